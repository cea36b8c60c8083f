//! `bestow issuer deferred …`: what wallets have asked for and an officer has yet to approve.

use std::path::Path;

use serde_json::{Value, json};

use super::api::Api;
use crate::cli::{ConfigFile, DeferredCommand};
use crate::exit::Failure;
use crate::terminal::{plain, print, print_json, tell};

/// Runs one command.
pub(super) async fn run(command: DeferredCommand) -> Result<(), Failure> {
    match command {
        DeferredCommand::List { state, json, config } => list(&state, json, &config).await,
        DeferredCommand::Approve { id, claims, json, config } => {
            let body = claims.as_deref().map(read).transpose()?;
            decide((&id, "approve", "approved"), body, json, &config).await
        }
        DeferredCommand::Reject { id, json, config } => {
            decide((&id, "reject", "rejected"), None, json, &config).await
        }
    }
}

async fn list(state: &str, json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let api = Api::open(super::load(file)?).await?;
    let query: String = url::form_urlencoded::byte_serialize(state.as_bytes()).collect();
    let path = format!("/admin/v1/deferrals?limit=500&state={query}");
    let answer = api.call("GET", &path, None).await?;
    if json {
        return print_json(&answer);
    }
    let listed = answer.get("deferrals").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if listed.is_empty() {
        tell(format!("no credential is {state}"));
    }
    for deferral in listed {
        let text = |name| plain(deferral.get(name).and_then(Value::as_str).unwrap_or_default());
        print(format!(
            "{}  {}  {}  offer {}",
            text("id"),
            text("created_at"),
            text("credential_configuration_id"),
            text("offer_id")
        ));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    let claims: Value = keys::json::parse(text.as_bytes())
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Ok(json!({ "claims": claims }))
}

async fn decide(
    (id, verb, done): (&str, &str, &str),
    body: Option<Value>,
    json: bool,
    file: &ConfigFile,
) -> Result<(), Failure> {
    let escaped: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let api = Api::open(super::load(file)?).await?;
    let path = format!("/admin/v1/deferrals/{escaped}/{verb}");
    let answer = api.call("POST", &path, body).await?;
    if json {
        return print_json(&answer);
    }
    print(format!("{done}: {id}"));
    Ok(())
}

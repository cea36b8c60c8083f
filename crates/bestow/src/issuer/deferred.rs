//! `bestow issuer deferred …`: what wallets have asked for and an officer has yet to approve.

use std::path::Path;

use serde_json::Value;

use super::queue::Queue;
use crate::cli::{ConfigFile, DeferredCommand};
use crate::exit::Failure;
use crate::terminal::{plain, print, print_json, tell};

const QUEUE: Queue = Queue("deferrals");

/// Runs one command.
pub(super) async fn run(command: DeferredCommand) -> Result<(), Failure> {
    match command {
        DeferredCommand::List { state, json, config } => list(&state, json, &config).await,
        DeferredCommand::Approve { id, claims, json, config } => {
            let claims = claims.as_deref().map(read).transpose()?;
            decide((&id, "approve", "approved"), claims, json, &config).await
        }
        DeferredCommand::Reject { id, json, config } => {
            decide((&id, "reject", "rejected"), None, json, &config).await
        }
    }
}

async fn list(state: &str, json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let listed = QUEUE.list(state, file).await?;
    if json {
        return print_json(&QUEUE.to_json(listed));
    }
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
    keys::json::parse(text.as_bytes())
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

async fn decide(
    (id, verb, done): (&str, &str, &str),
    claims: Option<Value>,
    json: bool,
    file: &ConfigFile,
) -> Result<(), Failure> {
    let answer = QUEUE.decide((id, verb), claims, file).await?;
    if json {
        return print_json(&answer);
    }
    print(format!("{done}: {id}"));
    Ok(())
}

//! `bestow issuer applications …`: what people applied for, and what an officer says to it.

use serde_json::Value;

use super::api::Api;
use crate::cli::ConfigFile;
use crate::exit::Failure;
use crate::terminal::{plain, print, print_json, tell};

/// Lists applications in one state, oldest first.
pub(super) async fn list(state: &str, json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let api = Api::open(super::load(file)?).await?;
    let query: String = url::form_urlencoded::byte_serialize(state.as_bytes()).collect();
    let path = format!("/admin/v1/applications?limit=500&state={query}");
    let answer = api.call("GET", &path, None).await?;
    if json {
        return print_json(&answer);
    }
    let listed =
        answer.get("applications").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if listed.is_empty() {
        tell(format!("no application is {state}"));
    }
    for application in listed {
        let member = |name| application.get(name);
        let text = |name| plain(member(name).and_then(Value::as_str).unwrap_or_default());
        print(format!(
            "{}  {}  {}  {}",
            text("id"),
            text("created_at"),
            text("credential_configuration_id"),
            summary(member("claims"))
        ));
    }
    Ok(())
}

/// The claims on one line; pictures and other long values are only named.
fn summary(claims: Option<&Value>) -> String {
    const LONG: usize = 60;
    let shown = claims.and_then(Value::as_object).into_iter().flatten().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let text = if text.len() > LONG { "…".to_owned() } else { text };
        plain(&format!("{name}={text}"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Approves; prints the Transaction Code when the officer is to hand it on.
pub(super) async fn approve(id: &str, json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let answer = decide(id, "approve", file).await?;
    if json {
        return print_json(&answer);
    }
    print(format!("approved: {id}"));
    if let Some(tx_code) = answer.get("tx_code").and_then(Value::as_str) {
        print(format!("transaction code: {tx_code}"));
        tell("Give it to the applicant apart from the offer; it is not shown again.");
    }
    Ok(())
}

/// Rejects.
pub(super) async fn reject(id: &str, json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let answer = decide(id, "reject", file).await?;
    if json {
        return print_json(&answer);
    }
    print(format!("rejected: {id}"));
    Ok(())
}

async fn decide(id: &str, verb: &str, file: &ConfigFile) -> Result<Value, Failure> {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let api = Api::open(super::load(file)?).await?;
    api.call("POST", &format!("/admin/v1/applications/{id}/{verb}"), None).await
}

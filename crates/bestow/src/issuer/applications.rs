//! `bestow issuer applications …`: what people applied for, and what an officer says to it.

use serde_json::Value;

use super::queue::Queue;
use crate::cli::{ApplicationsCommand, ConfigFile};
use crate::exit::Failure;
use crate::terminal::{plain, print, print_json, tell};

const QUEUE: Queue = Queue("applications");

/// Runs one command.
pub(super) async fn run(command: ApplicationsCommand) -> Result<(), Failure> {
    match command {
        ApplicationsCommand::List { state, json, config } => list(&state, json, &config).await,
        ApplicationsCommand::Approve { id, json, config } => {
            decide((&id, "approve", "approved"), json, &config).await
        }
        ApplicationsCommand::Reject { id, json, config } => {
            decide((&id, "reject", "rejected"), json, &config).await
        }
    }
}

/// Lists applications in one state, oldest first.
async fn list(state: &str, json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let listed = QUEUE.list(state, file).await?;
    if json {
        return print_json(&QUEUE.to_json(listed));
    }
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

/// An approval prints the Transaction Code when the officer is to hand it on.
async fn decide(
    (id, verb, done): (&str, &str, &str),
    json: bool,
    file: &ConfigFile,
) -> Result<(), Failure> {
    let answer = QUEUE.decide((id, verb), None, file).await?;
    if json {
        return print_json(&answer);
    }
    print(format!("{done}: {id}"));
    if let Some(tx_code) = answer.get("tx_code").and_then(Value::as_str) {
        print(format!("transaction code: {tx_code}"));
        tell("Give it to the applicant apart from the offer; it is not shown again.");
    }
    Ok(())
}

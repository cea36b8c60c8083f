//! Hands a Transaction Code to a program of the operator, which sends it on (OFFER-24).

use std::process::Stdio;
use std::time::Duration;

use oid4vci::secret::TxCode;
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::failure::Broken;

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the program with one JSON object on its standard input: nothing secret in its arguments.
///
/// The object has `tx_code`, `id` (of the offer or application), `credential_configuration_ids` and
/// `claims`, from which the program knows whom to send the code to.
pub async fn deliver(
    command: &[String],
    tx_code: &TxCode,
    id: &str,
    (configurations, claims): (&[&str], &Map<String, Value>),
) -> Result<(), Broken> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Broken("tx_code_command is empty".into()))?;
    let message = json!({
        "tx_code": tx_code.expose(),
        "id": id,
        "credential_configuration_ids": configurations,
        "claims": claims,
    });
    let run = run(program, arguments, message.to_string());
    match timeout(PATIENCE, run).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(Broken("tx_code_command failed".into())),
        Ok(Err(error)) => Err(Broken(format!("tx_code_command did not run: {error}"))),
        Err(_) => Err(Broken("tx_code_command took too long".into())),
    }
}

async fn run(program: &str, arguments: &[String], message: String) -> std::io::Result<bool> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(message.as_bytes()).await?;
        input.write_all(b"\n").await?;
    }
    Ok(child.wait().await?.success())
}

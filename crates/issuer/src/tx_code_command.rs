//! Hands a Transaction Code to a program of the operator, which sends it on (OFFER-24).

use std::fmt;
use std::io::{self, ErrorKind};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use oid4vci::secret::TxCode;
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};
use tokio::time::timeout;

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the program with one JSON object on its standard input: nothing secret in its arguments.
///
/// The object has `tx_code`, `id` (of the offer or application), `credential_configuration_ids` and
/// `claims`, from which the program knows whom to send the code to. It has done so when it exits
/// with 0, whether it has read the object or not; what it writes to standard error is its own.
pub async fn deliver(
    command: &[String],
    tx_code: &TxCode,
    id: &str,
    (configurations, claims): (&[&str], &Map<String, Value>),
) -> Result<(), NotDelivered> {
    let message = json!({
        "tx_code": tx_code.expose(),
        "id": id,
        "credential_configuration_ids": configurations,
        "claims": claims,
    });
    let cause = match timeout(PATIENCE, run(command, message.to_string())).await {
        Ok(Ok(status)) if status.success() => return Ok(()),
        Ok(Ok(status)) => format!("it ended with {status}"),
        Ok(Err(error)) => format!("it did not run: {error}"),
        Err(_) => format!("it took longer than {} seconds", PATIENCE.as_secs()),
    };
    let error = NotDelivered { program: command.first().cloned().unwrap_or_default(), cause };
    tracing::error!(id, %error, "transaction code not delivered");
    Err(error)
}

async fn run(command: &[String], message: String) -> io::Result<ExitStatus> {
    let (program, arguments) = command.split_first().ok_or(ErrorKind::NotFound)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(input) = child.stdin.take() {
        match tell(input, message).await {
            // It knows without reading, or it has failed: its exit status says which.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    child.wait().await
}

async fn tell(mut input: ChildStdin, message: String) -> io::Result<()> {
    input.write_all(message.as_bytes()).await?;
    input.write_all(b"\n").await
}

/// The program has not taken the Transaction Code, so nobody can hand it on.
#[derive(Clone, Debug)]
pub struct NotDelivered {
    program: String,
    cause: String,
}

impl fmt::Display for NotDelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, cause } = self;
        write!(f, "the transaction code was not delivered by `{program}`: {cause}")
    }
}

impl std::error::Error for NotDelivered {}

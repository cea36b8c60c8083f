//! A program of the owner's that vouches for the wallet's keys (VCI §D): the way to a backend of
//! whoever made the wallet, or to the hardware that keeps the keys.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use keys::public_key::PublicKey;
use oid4vci::attestation::key::{ATTESTATION_BYTES_MAX, WantedKeyAttestation};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;
use wallet::attestation::{AttestationError, KeyAttestationSource};

use crate::terminal::tell;

/// How long the program may take; the issuer's nonce grows old meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the program for each attestation.
///
/// It gets one JSON object on its standard input: `credential_issuer`, `attested_keys` (JSON Web
/// Keys), `nonce` (a text or null), `algorithms` that the attestation may be signed with, the levels
/// `key_storage` and `user_authentication` of which one each is good enough (all are where there is
/// none), and `exp_required`. It writes the JWT to standard output and exits with 0; what it writes
/// to standard error is its own.
#[derive(Debug)]
pub(super) struct KeyAttestationCommand {
    program: PathBuf,
}

impl KeyAttestationCommand {
    pub(super) fn new(program: &Path) -> Self {
        Self { program: program.to_owned() }
    }

    async fn run(&self, message: &Value) -> io::Result<String> {
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            match input.write_all(format!("{message}\n").as_bytes()).await {
                // It knows without reading, or it has failed: its exit status says which.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        let mut written = Vec::new();
        if let Some(output) = child.stdout.take() {
            let most = u64::try_from(ATTESTATION_BYTES_MAX).unwrap_or(u64::MAX);
            output.take(most).read_to_end(&mut written).await?;
        }
        let status = child.wait().await?;
        if !status.success() {
            return Err(io::Error::other(format!("it ended with {status}")));
        }
        let text = String::from_utf8(written).map_err(io::Error::other)?;
        Ok(text.trim().to_owned())
    }
}

#[async_trait]
impl KeyAttestationSource for KeyAttestationCommand {
    async fn key_attestation(
        &self,
        wanted: WantedKeyAttestation<'_>,
    ) -> Result<String, AttestationError> {
        let cause = match timeout(PATIENCE, self.run(&message(&wanted))).await {
            Ok(Ok(attestation)) => return Ok(attestation),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it took longer than {} seconds", PATIENCE.as_secs()),
        };
        tell(format!("{} attests no key: {cause}", self.program.display()));
        Err(AttestationError::Unavailable)
    }
}

fn message(wanted: &WantedKeyAttestation<'_>) -> Value {
    let algorithms: Vec<&str> = wanted.algorithms.iter().map(|one| one.name()).collect();
    json!({
        "credential_issuer": wanted.credential_issuer,
        "attested_keys": wanted.keys.iter().map(PublicKey::to_jwk).collect::<Vec<_>>(),
        "nonce": wanted.nonce,
        "algorithms": algorithms,
        "key_storage": wanted.required.key_storage,
        "user_authentication": wanted.required.user_authentication,
        "exp_required": !wanted.is_alone,
    })
}

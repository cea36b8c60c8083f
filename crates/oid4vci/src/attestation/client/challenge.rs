//! The challenge endpoint, and the challenge that comes with other answers (WALATT-10).

use keys::json;
use serde::Serialize;
use serde_json::Value;

use crate::nonce::RECEIVED_BYTES_MAX;

/// Answer of the challenge endpoint as we send it, never to be cached.
#[derive(Debug, Serialize)]
pub struct ChallengeResponse {
    /// For the next proof of possession.
    pub attestation_challenge: String,
}

/// Reads the body of such an answer; `None` when it cannot be used.
#[must_use]
pub fn parse_challenge_response(body: &[u8]) -> Option<String> {
    let value = json::parse(body).ok()?;
    let challenge = value.get("attestation_challenge").and_then(Value::as_str)?;
    received_challenge(challenge).map(str::to_owned)
}

/// A challenge from the header of any answer, to be used from now on.
#[must_use]
pub fn received_challenge(header: &str) -> Option<&str> {
    let is_text = header.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=RECEIVED_BYTES_MAX).contains(&header.len()) && is_text).then_some(header)
}

/// Whether an answer asks for another proof of possession with the challenge that it brings
/// (WALATT-09).
#[must_use]
pub fn wants_challenge(status: u16, error: Option<&str>) -> bool {
    matches!(status, 400 | 401) && error == Some("use_attestation_challenge")
}

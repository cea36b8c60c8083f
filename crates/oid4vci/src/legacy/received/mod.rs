//! What a Wallet reads and sends where an Issuer speaks a draft.
//!
//! Which draft that is, is decided once, by what the Issuer publishes, then by its offer, then by
//! the scheme of the link; never by trying. What had to be excused on the way is a finding: a text
//! for the people on the other side, with the place in the draft that says otherwise.

mod authorization;
mod credential;
mod document;
mod encryption;
mod metadata;
mod offer;
mod token;

use serde_json::Value;

use super::Dialect;
use super::dialect::Draft;

/// What was excused.
type Findings = Vec<&'static str>;

impl Dialect {
    /// Whether the proof comes with the name of the client (draft 9, section 8.2.1), of anonymous
    /// Wallets too.
    #[must_use]
    pub fn names_client_in_proof(self) -> bool {
        self.0 <= Draft::D9
    }

    /// Whether a Wallet waits with a token of its own (draft 11, section 9.1), and not with that of
    /// the request.
    #[must_use]
    pub fn waits_with_own_token(self) -> bool {
        self.0 <= Draft::D11
    }

    /// Whether nonces come with other answers, and not from an endpoint (draft 14, section 6.2).
    #[must_use]
    pub fn has_nonce_in_answers(self) -> bool {
        self.0 <= Draft::D14
    }

    /// Whether a request has one proof only (draft 13, section 7.2).
    #[must_use]
    pub fn has_single_proof(self) -> bool {
        self.0 <= Draft::D13
    }

    /// Whether an Issuer says in the authorization server's metadata what it issues (draft 9, section
    /// 11.2).
    #[must_use]
    pub fn is_described_by_server(self) -> bool {
        self.0 <= Draft::D9
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        listed => crate::metadata::strings(listed),
    }
}

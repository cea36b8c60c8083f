//! What a Wallet reads and sends where an Issuer speaks a draft.
//!
//! Which draft that is, is decided once, by what the Issuer publishes, then by its offer, then by
//! the scheme of the link; never by trying. What had to be excused on the way is a finding: a text
//! for the people on the other side, with the place in the draft that says otherwise.

mod authorization;
mod batch;
mod credential;
mod document;
mod elsewhere;
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

    /// Whether a request has one proof only (draft 13, section 7.2).
    #[must_use]
    pub fn has_single_proof(self) -> bool {
        self.0 <= Draft::D13
    }
}

/// What was said once is not said again.
fn once(findings: &mut Findings) {
    let mut said = Vec::new();
    findings.retain(|finding| {
        let is_new = !said.contains(finding);
        said.push(*finding);
        is_new
    });
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        listed => crate::metadata::strings(listed),
    }
}

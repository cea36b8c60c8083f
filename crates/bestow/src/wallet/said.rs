//! What was spoken with an issuer and what was excused, told to people and to scripts.

use std::borrow::Cow;

use oid4vci::legacy::Dialect;
use serde_json::{Value, json};
use wallet::flow::dialect::{Dialogue, Version};

use crate::exit::Failure;
use crate::terminal::{plain, tell};

/// What an issuer speaks, as far as it is known, and what was excused.
pub(super) struct Said {
    version: Option<Version>,
    findings: Vec<Cow<'static, str>>,
}

impl Said {
    /// As it is told by now.
    pub(super) fn of(dialogue: &Dialogue) -> Self {
        Self { version: dialogue.version(), findings: dialogue.findings() }
    }

    /// For people.
    pub(super) fn tell(&self) {
        match self.version {
            Some(Version::Draft(draft)) => {
                tell(format!("The issuer speaks draft {draft} of OpenID4VCI."));
            }
            Some(Version::Final) => tell("The issuer speaks OpenID4VCI 1.0."),
            None => {}
        }
        tell_excused(&self.findings);
    }

    fn draft(&self) -> Option<&'static str> {
        self.version.and_then(Version::draft).map(Dialect::name)
    }

    /// Of an issuer that speaks 1.0, and well, nothing is said.
    fn is_final(&self) -> bool {
        self.draft().is_none() && self.findings.is_empty()
    }

    /// For scripts, beside what was received.
    pub(super) fn json(&self, credentials: &Value) -> Value {
        if self.is_final() {
            return json!({ "credentials": credentials });
        }
        json!({ "credentials": credentials, "draft": self.draft(), "findings": self.findings })
    }

    /// The same for scripts, where it failed.
    pub(super) fn beside(&self, failure: Failure) -> Failure {
        if self.is_final() {
            return failure;
        }
        failure.done("draft", self.draft().into()).done("findings", json!(self.findings))
    }
}

/// What was excused, for the people on the other side.
pub(super) fn tell_excused(findings: &[Cow<'static, str>]) {
    for finding in findings {
        tell(format!("  excused: {}", plain(finding)));
    }
}

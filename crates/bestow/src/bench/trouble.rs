//! What goes wrong in a flow, in words that can be counted.

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;

use crate::exit::{Failure, Kind};
use crate::terminal::plain;

/// Most characters of an example.
const EXAMPLE_CHARACTERS_MAX: usize = 300;

/// Why a flow went no further.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// What is counted: `timeout`, `503 temporarily_unavailable`.
    pub(super) kind: String,
    /// One of them, in full.
    pub(super) example: String,
    /// When the other side wants to be asked again.
    pub(super) retry_after: Option<Duration>,
    exit: Kind,
}

impl Trouble {
    /// There was no answer.
    pub(super) fn network(kind: &str, error: &impl Display) -> Self {
        Self::of(kind.to_owned(), &error.to_string(), Kind::Network)
    }

    /// There was an answer that leads no further.
    pub(super) fn refusal(kind: &str, error: &impl Display) -> Self {
        Self::of(kind.to_owned(), &error.to_string(), Kind::Refused)
    }

    /// The other side said no: by its status, and by its error code where it gave one.
    pub(super) fn answered(status: u16, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = json.get("error").and_then(Value::as_str).unwrap_or_default();
        let kind = short(format!("{status} {code}").trim());
        Self::of(kind, &String::from_utf8_lossy(body), Kind::Refused)
    }

    /// The same, and when it may be tried again.
    pub(super) fn until(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    fn of(kind: String, example: &str, exit: Kind) -> Self {
        Self { kind, example: short(example), retry_after: None, exit }
    }

    /// Whether there was no answer, so that the connection is of no more use.
    pub(super) const fn is_of_the_network(&self) -> bool {
        matches!(self.exit, Kind::Network)
    }

    /// Ends the program: nothing could be measured.
    pub(super) fn failure(self, step: &str) -> Failure {
        let Self { kind, example, exit, .. } = self;
        Failure::new(exit, "no_flow", format!("the flow failed at the {step} ({kind}): {example}"))
    }
}

fn short(text: &str) -> String {
    plain(text).chars().take(EXAMPLE_CHARACTERS_MAX).collect()
}

//! How the program ends: an exit code that scripts can rely on, and words that people can use.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::terminal::{is_result_lost, print_json, tell};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// A stable word for scripts.
    pub(crate) code: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// What was done nevertheless: scripts find it beside the error, in the same object.
    done: Map<String, Value>,
}

/// The exit codes of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 1
    OwnFault,
    /// 2
    Usage,
    /// 3
    Refused,
    /// 4
    Network,
    /// 5
    Declined,
    /// 6
    VerificationFailed,
    /// 7
    NotYet,
}

impl Kind {
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::OwnFault => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Network => 4,
            Self::Declined => 5,
            Self::VerificationFailed => 6,
            Self::NotYet => 7,
        })
    }
}

impl Failure {
    pub(crate) fn new(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self { kind, code: code.to_owned(), message: message.into(), hint: None, done: Map::new() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, "usage", message)
    }

    /// A mistake in what was written; what helps stands below it, as the libraries tell it.
    pub(crate) fn mistake(error: impl fmt::Display) -> Self {
        let text = error.to_string();
        match text.split_once('\n') {
            Some((message, remedy)) => Self::usage(message).hint(remedy.trim()),
            None => Self::usage(text),
        }
    }

    pub(crate) fn own_fault(error: impl fmt::Display) -> Self {
        Self::new(Kind::OwnFault, "internal_error", error.to_string())
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds what was done nevertheless, under a name.
    pub(crate) fn done(mut self, name: &str, what: Value) -> Self {
        self.done.insert(name.to_owned(), what);
        self
    }

    /// For people, on standard error; for scripts (`--json`), one object on standard output. Where
    /// that cannot be written, people at least learn of it.
    pub(crate) fn print(self, as_json: bool) {
        let Self { code, message, hint, mut done, .. } = self;
        if as_json {
            let error = json!({ "code": code, "message": message, "hint": hint });
            done.insert("error".to_owned(), error);
            if print_json(&done).is_ok() && !is_result_lost() {
                return;
            }
        }
        tell(format!("error: {message}"));
        if let Some(hint) = hint {
            tell(format!("  {hint}"));
        }
    }
}

//! What can go wrong between us and the server, by what it means for the step.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::store::StoreError;

/// Why a step did not come through.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Somebody else was in the way and nothing was written: run it again.
    Conflict(String),
    /// The connection is of no use any more; whether the step was committed is not known.
    Lost(String),
    /// The server takes nothing now, and has written nothing.
    Refused(String),
    /// The same, or somebody else was in the way, when an earlier try may have been committed.
    InDoubt(String),
    /// It will not go better next time.
    Broken(String),
}

impl Fault {
    /// The server gave no answer in time.
    pub(super) fn silent() -> Self {
        Self::Lost("no answer in time".to_owned())
    }

    /// What it means where an earlier try may have been committed: that this one wrote nothing says
    /// nothing of that one.
    pub(super) fn after_doubt(self) -> Self {
        match self {
            Self::Conflict(text) | Self::Refused(text) => Self::InDoubt(text),
            Self::Lost(_) | Self::InDoubt(_) | Self::Broken(_) => self,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = text(&error);
        let Some(state) = error.code() else {
            // Without a word from the server it is the connection, or a value of a wrong type.
            let is_ours = error.source().is_some_and(|source| !source.is::<std::io::Error>());
            return if is_ours && !error.is_closed() {
                Self::Broken(text)
            } else {
                Self::Lost(text)
            };
        };
        match state {
            // Of two that spend one nonce in the same moment, the second finds its key taken.
            &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::T_R_DEADLOCK_DETECTED
            | &SqlState::UNIQUE_VIOLATION => Self::Conflict(text),
            // Its outcome is unknown by its very name, as on a lost connection.
            &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
            // A primary that has become a standby.
            | &SqlState::READ_ONLY_SQL_TRANSACTION => Self::Lost(text),
            &SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED => Self::Refused(text),
            state => match state.code().get(..2) {
                // Connection exceptions, and an operator who shuts down.
                Some("08" | "57") => Self::Lost(text),
                // No room, or no disk.
                Some("53" | "58") => Self::Refused(text),
                _ => Self::Broken(text),
            },
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict(text) | Fault::Refused(text) => Self::Unavailable(text),
            Fault::Lost(text) | Fault::InDoubt(text) => Self::InDoubt(text),
            Fault::Broken(text) => Self::Broken(text),
        }
    }
}

/// The server's message without its details, which repeat values; else the whole chain of causes.
fn text(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", told.message(), told.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

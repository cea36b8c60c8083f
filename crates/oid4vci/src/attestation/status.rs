//! Whether an attestation was withdrawn: its entry of a Token Status List (TSL §6.2, WALATT-04,
//! KEYATT-09).
//!
//! Lists are fetched outside; which ones are wanted, and what follows from them, is decided here. Only
//! what somebody trusted has signed says where to ask.

use formats::status_list::{CredentialStatus, StatusReference};
use serde_json::{Map, Value};

/// What is known of entries: whether each is valid (TSL §7.1).
#[derive(Clone, Debug, Default)]
pub struct KnownEntries(Vec<(StatusReference, bool)>);

impl KnownEntries {
    /// Nothing is known: whatever names an entry is refused.
    pub const NONE: &'static Self = &Self(Vec::new());

    /// Adds what a verified list says.
    pub fn add(&mut self, entry: StatusReference, is_valid: bool) {
        self.0.push((entry, is_valid));
    }
}

/// What an attestation says of its status: `None` cannot be withdrawn.
#[derive(Clone, Debug)]
pub(crate) struct NamedStatus(Option<CredentialStatus>);

/// Why its status speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusFault {
    /// It is not valid, or no longer.
    Withdrawn,
    /// Of an unknown kind, or nothing was heard of it.
    Unknown,
}

impl NamedStatus {
    /// Reads `status`; one that is malformed is not taken for none.
    pub(crate) fn of(claims: &Map<String, Value>) -> Self {
        Self(CredentialStatus::from_claims(claims).unwrap_or(Some(CredentialStatus::Other)))
    }

    /// The entry that is to be asked for.
    pub(crate) fn entry(&self) -> Option<&StatusReference> {
        match &self.0 {
            Some(CredentialStatus::StatusList(entry)) => Some(entry),
            _ => None,
        }
    }

    pub(crate) fn check(&self, known: &KnownEntries) -> Result<(), StatusFault> {
        if self.0.is_none() {
            return Ok(());
        }
        let entry = self.entry().ok_or(StatusFault::Unknown)?;
        match known.0.iter().find(|(own, _)| own == entry) {
            Some((_, true)) => Ok(()),
            Some((_, false)) => Err(StatusFault::Withdrawn),
            None => Err(StatusFault::Unknown),
        }
    }
}

//! Whether an attestation was withdrawn: its entry of a Token Status List (TSL §6.2, WALATT-04,
//! KEYATT-09).
//!
//! Lists are fetched outside; which ones are wanted, and what follows from them, is decided here. Only
//! what somebody trusted has signed says where to ask.

use serde_json::{Map, Value};

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// Where the list is.
    pub uri: String,
    /// Which of its entries.
    pub idx: u64,
}

/// What is known of entries: whether each is valid (TSL §7.1).
#[derive(Clone, Debug, Default)]
pub struct KnownEntries(Vec<(ListEntry, bool)>);

impl KnownEntries {
    /// Nothing is known: whatever names an entry is refused.
    pub const NONE: &'static Self = &Self(Vec::new());

    /// Adds what a verified list says.
    pub fn add(&mut self, entry: ListEntry, is_valid: bool) {
        self.0.push((entry, is_valid));
    }
}

/// What an attestation says of its status.
#[derive(Clone, Debug)]
pub(crate) enum NamedStatus {
    /// It cannot be withdrawn.
    None,
    /// It can.
    Listed(ListEntry),
    /// In a way that we do not know: to take it for none would make it valid for ever.
    Other,
}

/// Why its status speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusFault {
    /// It is not valid, or no longer.
    Withdrawn,
    /// Of an unknown kind, or nothing was heard of it.
    Unknown,
}

impl NamedStatus {
    /// Reads `status`.
    pub(crate) fn of(claims: &Map<String, Value>) -> Self {
        let Some(status) = claims.get("status") else { return Self::None };
        let list = status.get("status_list");
        let idx = list.and_then(|list| list.get("idx")).and_then(Value::as_u64);
        let uri = list.and_then(|list| list.get("uri")).and_then(Value::as_str);
        match (idx, uri) {
            (Some(idx), Some(uri)) => Self::Listed(ListEntry { uri: uri.to_owned(), idx }),
            _ => Self::Other,
        }
    }

    /// The entry that is to be asked for.
    pub(crate) fn entry(&self) -> Option<ListEntry> {
        match self {
            Self::Listed(entry) => Some(entry.clone()),
            Self::None | Self::Other => None,
        }
    }

    pub(crate) fn check(&self, known: &KnownEntries) -> Result<(), StatusFault> {
        let entry = match self {
            Self::None => return Ok(()),
            Self::Other => return Err(StatusFault::Unknown),
            Self::Listed(entry) => entry,
        };
        match known.0.iter().find(|(own, _)| own == entry) {
            Some((_, true)) => Ok(()),
            Some((_, false)) => Err(StatusFault::Withdrawn),
            None => Err(StatusFault::Unknown),
        }
    }
}

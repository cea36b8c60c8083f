//! `credentialStatus` (Bitstring Status List §2.1).

use serde_json::{Value, json};

use crate::FormatError;
use crate::status_list::CredentialStatus;

/// Most entries of one credential: each can cost a request.
const ENTRIES_MAX: usize = 8;
/// Widest entry that is read.
const SIZE_MAX: u8 = 8;
const TYPE: &str = "BitstringStatusListEntry";
/// The same in the draft.
const TYPE_2021: &str = "StatusList2021Entry";

/// What an entry tells of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// That it is no longer good, for ever.
    Revocation,
    /// That it is not good for the time being.
    Suspension,
    /// A number that its issuer gives a meaning.
    Message,
}

impl Purpose {
    /// The value of `statusPurpose`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
            Self::Message => "message",
        }
    }

    /// Reads `statusPurpose`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Revocation, Self::Suspension, Self::Message];
        all.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// One entry of one list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BitstringEntry {
    /// What it tells.
    pub purpose: Purpose,
    /// Where the list is.
    pub list: String,
    /// Which entry.
    pub index: u64,
    /// How many bits each entry of the list has.
    pub size: u8,
    /// Whether the list is of the draft `StatusList2021`, whose names and encoding differ.
    pub is_2021: bool,
}

impl BitstringEntry {
    /// An entry of one bit.
    #[must_use]
    pub const fn new(purpose: Purpose, list: String, index: u64) -> Self {
        Self { purpose, list, index, size: 1, is_2021: false }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "type": TYPE,
            "statusPurpose": self.purpose.name(),
            "statusListIndex": self.index.to_string(),
            "statusListCredential": self.list,
        })
    }

    /// Reads one entry; `None` of another kind.
    fn read(status: &Value) -> Result<Option<Self>, FormatError> {
        let text = |name: &str| status.get(name).and_then(Value::as_str);
        let is_2021 = match text("type") {
            Some(TYPE) => false,
            Some(TYPE_2021) => true,
            _ => return Ok(None),
        };
        let purpose = text("statusPurpose").ok_or(FormatError::Malformed)?;
        let Some(purpose) = Purpose::parse(purpose) else { return Ok(None) };
        let index = match status.get("statusListIndex") {
            Some(Value::Number(number)) => number.as_u64(), // as some issuers write it
            Some(Value::String(text)) => index_of(text),
            _ => None,
        };
        let list = text("statusListCredential").filter(|list| !list.is_empty());
        let (Some(index), Some(list)) = (index, list) else { return Err(FormatError::Malformed) };
        let size = match status.get("statusSize") {
            None => 1,
            Some(size) => size.as_u64().filter(|size| *size > 0).ok_or(FormatError::Malformed)?,
        };
        let Some(size) = u8::try_from(size).ok().filter(|size| *size <= SIZE_MAX) else {
            return Ok(None);
        };
        check_messages(status, size)?;
        Ok(Some(Self { purpose, list: list.to_owned(), index, size, is_2021 }))
    }
}

/// A whole number in base 10, and nothing else that a parser might take for one.
fn index_of(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// More than one bit says nothing without its messages: one for each value.
fn check_messages(status: &Value, size: u8) -> Result<(), FormatError> {
    let messages = status.get("statusMessage").map(|messages| messages.as_array().map(Vec::len));
    match messages {
        None if size == 1 => Ok(()),
        Some(Some(count)) if count == 1 << size => Ok(()),
        None | Some(_) => Err(FormatError::Malformed),
    }
}

impl CredentialStatus {
    /// Reads `credentialStatus`: one entry or several. Where one is of a kind that we do not know, so
    /// is the whole: nobody could say that the credential is still good. That a newer credential can be
    /// had (`refresh`) says nothing of this one.
    pub(crate) fn from_w3c(status: &Value) -> Result<Option<Self>, FormatError> {
        let statuses = status.as_array().map_or(std::slice::from_ref(status), Vec::as_slice);
        if statuses.len() > ENTRIES_MAX {
            return Err(FormatError::TooLong);
        }
        let mut entries = Vec::new();
        for status in statuses.iter().filter(|status| !is_refresh(status)) {
            match BitstringEntry::read(status)? {
                Some(entry) => entries.push(entry),
                None => return Ok(Some(Self::Other)),
            }
        }
        Ok(Some(entries).filter(|entries| !entries.is_empty()).map(Self::Bitstring))
    }
}

fn is_refresh(status: &Value) -> bool {
    let says = |name: &str, wanted: &str| status.get(name).is_some_and(|value| value == wanted);
    says("type", TYPE) && says("statusPurpose", "refresh")
}

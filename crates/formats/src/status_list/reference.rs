//! What a credential says of where its status can be asked for (TSL §6.2).

use serde_json::{Map, Value, json};

use super::bitstring::BitstringEntry;
use crate::FormatError;

/// The claim, which is never selectively disclosable (FMT-SDJWT-06).
const CLAIM: &str = "status";

/// One entry of one list (DEP-10).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatusReference {
    /// Where the list is.
    pub uri: String,
    /// Which entry.
    pub idx: u64,
}

/// How the status of a credential can be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialStatus {
    /// In a Token Status List.
    StatusList(StatusReference),
    /// In Bitstring Status Lists, one for each purpose; at least one.
    Bitstring(Vec<BitstringEntry>),
    /// In a way that we do not know; to take it for none would make the credential valid for ever.
    Other,
}

impl StatusReference {
    /// Adds the claim (HAIP-43).
    pub(crate) fn insert(&self, claims: &mut Map<String, Value>) {
        let reference = json!({ "status_list": { "idx": self.idx, "uri": self.uri } });
        claims.insert(CLAIM.to_owned(), reference);
    }
}

impl CredentialStatus {
    /// Reads the claim, if there is one; it names a mechanism at least (TSL §6.1).
    pub fn from_claims(claims: &Map<String, Value>) -> Result<Option<Self>, FormatError> {
        let Some(status) = claims.get(CLAIM) else { return Ok(None) };
        let mechanisms = status.as_object().filter(|mechanisms| !mechanisms.is_empty());
        let Some(list) = mechanisms.ok_or(FormatError::Malformed)?.get("status_list") else {
            return Ok(Some(Self::Other));
        };
        let idx = list.get("idx").and_then(Value::as_u64);
        let uri = list.get("uri").and_then(Value::as_str).filter(|uri| !uri.is_empty());
        match (idx, uri) {
            (Some(idx), Some(uri)) => {
                Ok(Some(Self::StatusList(StatusReference { uri: uri.to_owned(), idx })))
            }
            _ => Err(FormatError::Malformed),
        }
    }
}

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
    /// In lists of both kinds, each of which may revoke it. None of ours is.
    Both(StatusReference, Vec<BitstringEntry>),
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
    /// Reads both places where a W3C credential may say it: the claim, and `credentialStatus`.
    ///
    /// Two statuses are two ways in which it can be revoked: whoever follows the one alone overlooks the
    /// other.
    pub(crate) fn of_both(
        claims: &Map<String, Value>,
        credential_status: Option<&Value>,
    ) -> Result<Option<Self>, FormatError> {
        let of_w3c = credential_status.map_or(Ok(None), Self::from_w3c)?;
        match (Self::from_claims(claims)?, of_w3c) {
            (Some(Self::StatusList(listed)), Some(Self::Bitstring(entries))) => {
                Ok(Some(Self::Both(listed, entries)))
            }
            (Some(_), Some(_)) => Ok(Some(Self::Other)),
            (claim, of_w3c) => Ok(claim.or(of_w3c)),
        }
    }

    /// The same where there is no JWT: only what is built like the claim is taken for it. A word or a
    /// number is a term of somebody's context, and says nothing that could change.
    pub(crate) fn of_document(
        document: &Map<String, Value>,
        credential_status: Option<&Value>,
    ) -> Result<Option<Self>, FormatError> {
        let is_claim = |status: &Value| status.is_object() || status.is_array();
        if document.get(CLAIM).is_some_and(is_claim) {
            return Self::of_both(document, credential_status);
        }
        credential_status.map_or(Ok(None), Self::from_w3c)
    }

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

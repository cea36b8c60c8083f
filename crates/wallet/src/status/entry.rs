//! The entries of one credential, and what they say together: a W3C credential can have one for each
//! purpose, in lists of their own.

use formats::status_list::bitstring::BitstringEntry;
use formats::status_list::{CredentialStatus, Status, StatusReference};
use formats::{FormatError, Unverified};
use serde_json::{Map, Value};

use super::standing::rank;
use super::{KnownStatus, StatusFault};

/// Where one status of a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// In a Token Status List.
    Token(StatusReference),
    /// In a Bitstring Status List.
    Bitstring(BitstringEntry),
}

impl Entry {
    /// Where the list is.
    pub(crate) fn uri(&self) -> &str {
        match self {
            Self::Token(reference) => &reference.uri,
            Self::Bitstring(entry) => &entry.list,
        }
    }

    /// Whether both are told by one list, looked at in one way.
    pub(crate) fn is_of_list_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Token(one), Self::Token(other)) => one.uri == other.uri,
            (Self::Bitstring(one), Self::Bitstring(other)) => {
                let of_list = |entry: &BitstringEntry| BitstringEntry { index: 0, ..entry.clone() };
                of_list(one) == of_list(other)
            }
            (Self::Token(_) | Self::Bitstring(_), _) => false,
        }
    }

    /// Which entry of the list, for people.
    pub(crate) const fn index(&self) -> u64 {
        match self {
            Self::Token(reference) => reference.idx,
            Self::Bitstring(entry) => entry.index,
        }
    }

    /// The section by which its list is judged.
    pub(crate) const fn rule(&self) -> &'static str {
        match self {
            Self::Token(_) => "TSL §8.3",
            Self::Bitstring(_) => "Bitstring Status List §3.2",
        }
    }
}

/// What a credential says of where its status is; empty where it says nothing.
pub(crate) fn entries(credential: &Unverified) -> Result<Vec<Entry>, StatusFault> {
    referred(credential.status())
}

/// The same of the claims of any JWT.
pub(crate) fn entries_in(claims: &Map<String, Value>) -> Result<Vec<Entry>, StatusFault> {
    referred(CredentialStatus::from_claims(claims))
}

fn referred(
    status: Result<Option<CredentialStatus>, FormatError>,
) -> Result<Vec<Entry>, StatusFault> {
    match status {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(CredentialStatus::StatusList(reference))) => Ok(vec![Entry::Token(reference)]),
        Ok(Some(CredentialStatus::Bitstring(entries))) => {
            Ok(entries.into_iter().map(Entry::Bitstring).collect())
        }
        Ok(Some(CredentialStatus::Both(listed, entries))) => {
            let bits = entries.into_iter().map(Entry::Bitstring);
            Ok(std::iter::once(Entry::Token(listed)).chain(bits).collect())
        }
        Ok(Some(CredentialStatus::Other)) | Err(_) => Err(StatusFault::OtherMechanism),
    }
}

/// What all lists together say. Revoked is revoked, whatever is not known; otherwise one list that
/// says nothing leaves the whole unknown, and the worst counts.
pub(crate) fn together(
    heard: Vec<Result<KnownStatus, StatusFault>>,
) -> Option<Result<KnownStatus, StatusFault>> {
    let is_revoked = |one: &&Result<KnownStatus, StatusFault>| {
        one.as_ref().is_ok_and(|known| known.status() == Status::Invalid)
    };
    if let Some(revoked) = heard.iter().find(is_revoked) {
        return Some(revoked.clone());
    }
    heard.into_iter().reduce(|one, other| {
        let (one, other) = (one?, other?);
        let is_worse = rank(Some(other.status())) > rank(Some(one.status()));
        Ok(KnownStatus {
            value: if is_worse { other.value } else { one.value },
            listed_at: one.listed_at.min(other.listed_at),
            checked_at: one.checked_at.min(other.checked_at),
            fresh_until: one.fresh_until.min(other.fresh_until),
            signed_at: Some(one.signed_at.into_iter().chain(other.signed_at).flatten().collect()),
        })
    })
}

#[cfg(test)]
mod tests {
    use formats::status_list::bitstring::Purpose;

    use super::*;

    /// TSL §6.1: who revokes in one list is not overlooked for the other.
    #[test]
    fn each_list_that_a_credential_names_is_asked() {
        let listed = StatusReference { uri: "https://issuer.example/1".to_owned(), idx: 7 };
        let list = "https://issuer.example/2".to_owned();
        let bits = BitstringEntry::new(Purpose::Revocation, list, 7);
        let both = CredentialStatus::Both(listed.clone(), vec![bits.clone()]);
        let asked = referred(Ok(Some(both)));
        assert_eq!(asked, Ok(vec![Entry::Token(listed), Entry::Bitstring(bits)]));
    }
}

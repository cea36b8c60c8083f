//! A list that came: a credential, whose subject is the list (Bitstring Status List §3.2).

use keys::json;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use serde_json::Value;

use super::bits::{Bitstring, ENTRIES_MIN};
use super::{BitstringEntry, Purpose};
use crate::status_list::token::fresh_until;
use crate::status_list::{Status, StatusListError};
use crate::verified::Verified;
use crate::{FormatError, KeyReference, Unverified, jwt_vc_json, ldp_vc, parse, parse_raw};

pub(super) const TYPE: &str = "BitstringStatusListCredential";
pub(super) const SUBJECT_TYPE: &str = "BitstringStatusList";
/// The same in the draft.
const TYPE_2021: &str = "StatusList2021Credential";
const SUBJECT_TYPE_2021: &str = "StatusList2021";
/// Stands for every message: by their numbers some would be statuses of a Token Status List (TSL §7.1).
const APPLICATION_SPECIFIC: u8 = 3;

/// A list that was read; what it says is not to be believed yet.
#[derive(Clone, Debug)]
pub struct UnverifiedBitstringList(Unverified);

impl UnverifiedBitstringList {
    /// Reads a list as it was fetched: a JWT of either version of the data model, or JSON with a
    /// proof.
    pub fn parse(list: &[u8]) -> Result<Self, StatusListError> {
        let text = str::from_utf8(list).map_err(|_| StatusListError::Malformed)?.trim();
        let read = if text.starts_with('{') {
            json::parse(text.as_bytes())
                .map_err(|_| FormatError::Malformed)
                .and_then(|object| parse(ldp_vc::FORMAT, &object))
        } else {
            parse_raw(jwt_vc_json::FORMAT, text)
        };
        read.map(Self).map_err(of_format)
    }

    /// Where to look for the signer's key.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        self.0.key_reference()
    }

    /// Verifies the signature with the signer's key, then that this is the list that a credential
    /// refers to, in its time, and only then unpacks.
    pub fn verify(
        self,
        key: &PublicKey,
        entry: &BitstringEntry,
        now: Timestamp,
    ) -> Result<VerifiedBitstringList, StatusListError> {
        let verified = self.0.verify(key, now).map_err(of_format)?;
        // Without an `id` a list may lie anywhere; one that names itself is not another's.
        if verified.id.as_ref().is_some_and(|id| *id != entry.list) {
            return Err(StatusListError::OtherList);
        }
        let bits = bits_of(&verified, entry)?;
        if bits.entries(entry.size) < ENTRIES_MIN {
            return Err(StatusListError::TooShort);
        }
        let ttl = verified.claims.get("ttl").and_then(Value::as_u64);
        Ok(VerifiedBitstringList {
            issued_at: verified.not_before,
            expires_at: verified.expires_at,
            ttl_seconds: ttl.map(|milliseconds| milliseconds / 1000),
            bits,
        })
    }
}

/// The bits, if this is a list for the purpose of the entry.
fn bits_of(list: &Verified, entry: &BitstringEntry) -> Result<Bitstring, StatusListError> {
    let (list_type, subject_type) =
        if entry.is_2021 { (TYPE_2021, SUBJECT_TYPE_2021) } else { (TYPE, SUBJECT_TYPE) };
    let names = |name: &str, wanted: &str| match list.claims.get(name) {
        Some(Value::Array(values)) => values.iter().any(|value| value == wanted),
        value => value.is_some_and(|value| value == wanted),
    };
    if !list.types.iter().any(|name| name == list_type) || !names("type", subject_type) {
        return Err(StatusListError::WrongType);
    }
    if !names("statusPurpose", entry.purpose.name()) {
        return Err(StatusListError::OtherPurpose);
    }
    let encoded = list.claims.get("encodedList").and_then(Value::as_str);
    Bitstring::decode(encoded.ok_or(StatusListError::Malformed)?, entry.is_2021)
}

fn of_format(error: FormatError) -> StatusListError {
    let plain = [
        (FormatError::Malformed, StatusListError::Malformed),
        (FormatError::TooLong, StatusListError::TooLong),
        (FormatError::WrongSignature, StatusListError::WrongSignature),
        (FormatError::Expired, StatusListError::Expired),
        (FormatError::NotYetValid, StatusListError::NotYetValid),
        (FormatError::ProofExpired, StatusListError::Expired),
        (FormatError::ProofInFuture, StatusListError::NotYetValid),
    ];
    let known = plain.into_iter().find(|(of_credential, _)| *of_credential == error);
    known.map_or(StatusListError::Credential(error), |(_, of_list)| of_list)
}

/// A list whose signature is right; only [`UnverifiedBitstringList::verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedBitstringList {
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    ttl_seconds: Option<u64>,
    bits: Bitstring,
}

impl VerifiedBitstringList {
    /// What the list says for the purpose of this entry, for which it was verified; `None` behind its
    /// end, where nothing can be said: that is never "valid".
    #[must_use]
    pub fn status(&self, entry: &BitstringEntry) -> Option<Status> {
        let value = self.bits.value(entry.index, entry.size)?;
        Some(match (value, entry.purpose) {
            (0, _) => Status::Valid,
            (_, Purpose::Revocation) => Status::Invalid,
            (_, Purpose::Suspension) => Status::Suspended,
            (_, Purpose::Message) => Status::Other(APPLICATION_SPECIFIC),
        })
    }

    /// When it was made, if it says so; one that is older than one already seen is a replay.
    #[must_use]
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// Until when it may be used without asking for a newer one, if it was fetched at `fetched_at`.
    #[must_use]
    pub fn fresh_until(&self, fetched_at: Timestamp) -> Timestamp {
        fresh_until(fetched_at, self.ttl_seconds, self.expires_at)
    }
}

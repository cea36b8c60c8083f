//! An mdoc that came: read, then verified (ISO 18013-5 §9.3.1).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::cbor::{CborError, Label, Map};
use keys::cose::{CoseError, Sign1};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::x509::Certificate;
use minicbor::Decoder;
use serde_json::{Value, json};

use super::issue::Prepared;
use super::security_object::{SecurityObject, embedded, shown};
use super::{ELEMENTS_MAX, NAME_SPACES_MAX, RANDOM_BYTES_MIN};
use crate::binding::Binding;
use crate::status_list::CredentialStatus;
use crate::validity;
use crate::verified::{Format, Verified};
use crate::{CREDENTIAL_BYTES_MAX, FormatError, KeyReference};

/// An mdoc that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct Mdoc {
    auth: Sign1,
    object: SecurityObject,
    items: Vec<Item>,
    raw: String,
}

/// An element, and the bytes that its digest is over.
#[derive(Clone, Debug)]
struct Item {
    space: String,
    digest_id: u64,
    identifier: String,
    value: Value,
    bytes: Vec<u8>,
}

impl Mdoc {
    /// Reads what an issuer sent: an `IssuerSigned` in base64url without padding (FMT-MDOC-05).
    pub fn parse(raw: &str) -> Result<Self, FormatError> {
        if raw.len() > CREDENTIAL_BYTES_MAX {
            return Err(FormatError::TooLong);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw).map_err(|_| FormatError::Malformed)?;
        let map = Map::parse(&bytes)?;
        let member = |name| map.get(Label::Text(name)).ok_or(FormatError::Malformed);
        let auth = Sign1::parse_untagged(member("issuerAuth")?, CREDENTIAL_BYTES_MAX)?;
        let object = SecurityObject::parse(auth.payload())?;
        let items = items(member("nameSpaces")?)?;
        Ok(Self { auth, object, items, raw: raw.to_owned() })
    }

    /// Which key claims to have signed.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        KeyReference { x5c: self.auth.x5chain().map(<[Vec<u8>]>::to_vec), kid: None, iss: None }
    }

    pub(crate) fn status(&self) -> Option<CredentialStatus> {
        self.object.status.clone()
    }

    /// What it says, for people who look at it: nothing of it was verified.
    #[must_use]
    pub fn to_json(&self) -> Value {
        told(&self.object, self.items.iter().cloned())
    }

    /// Verifies the signature, then every element, then the times.
    pub fn verify(self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        self.auth.verify(key)?;
        let has = |item: &Item| self.object.has(&item.space, item.digest_id, &item.bytes);
        if !self.items.iter().all(has) {
            return Err(FormatError::WrongDigest);
        }
        self.check_signing_time()?;
        let Self { object, items, raw, .. } = self;
        let SecurityObject { signed_at, valid_from, valid_until, .. } = object;
        validity::check(Some(valid_from), Some(valid_until), now)?;
        Ok(Verified {
            format: Format::MsoMdoc,
            id: None,
            issuer: None,
            claims: by_name_space(items),
            types: vec![object.doc_type],
            contexts: Vec::new(),
            binding: Some(Binding::Jwk(object.device_key)),
            issued_at: Some(signed_at),
            not_before: Some(valid_from),
            expires_at: Some(valid_until),
            status: object.status,
            raw,
        })
    }

    /// It was signed while the signer's certificate was good (ISO 18013-5 §9.3.1).
    fn check_signing_time(&self) -> Result<(), FormatError> {
        let leaf = self.auth.x5chain().and_then(<[Vec<u8>]>::first);
        let leaf = leaf.ok_or(FormatError::Malformed)?;
        let certificate = Certificate::from_der(leaf).map_err(|_| FormatError::Malformed)?;
        let life = certificate.not_before..=certificate.not_after;
        if life.contains(&self.object.signed_at) {
            Ok(())
        } else {
            Err(FormatError::SignedOutsideLife)
        }
    }
}

impl Prepared {
    /// What it will say; `null` for what no reader could read.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let items = self
            .spaces
            .iter()
            .flat_map(|space| space.items.iter().map(|written| item(&space.name, written.bytes())));
        let items: Result<Vec<Item>, FormatError> = items.collect();
        let object = SecurityObject::parse(&self.payload);
        object.and_then(|object| Ok(told(&object, items?))).unwrap_or(Value::Null)
    }
}

fn told(object: &SecurityObject, items: impl IntoIterator<Item = Item>) -> Value {
    json!({
        "docType": object.doc_type,
        "validityInfo": {
            "signed": object.signed_at.to_rfc3339(),
            "validFrom": object.valid_from.to_rfc3339(),
            "validUntil": object.valid_until.to_rfc3339(),
        },
        "deviceKey": object.device_key.to_jwk(),
        "nameSpaces": by_name_space(items),
    })
}

/// Elements as an object for each name space.
fn by_name_space(items: impl IntoIterator<Item = Item>) -> serde_json::Map<String, Value> {
    let mut claims = serde_json::Map::new();
    for item in items {
        let space = claims.entry(item.space).or_insert_with(|| serde_json::Map::new().into());
        if let Some(space) = space.as_object_mut() {
            space.insert(item.identifier, item.value);
        }
    }
    claims
}

/// All elements; an identifier or a digest's identifier that comes twice would say two things.
fn items(bytes: &[u8]) -> Result<Vec<Item>, FormatError> {
    let mut items: Vec<Item> = Vec::new();
    for (label, value) in Map::parse_at_most(bytes, NAME_SPACES_MAX)?.iter() {
        let Label::Text(space) = label else { return Err(FormatError::Malformed) };
        let first = items.len();
        let mut decoder = Decoder::new(value);
        let count = decoder.array().map_err(CborError::from)?;
        let count = count.filter(|count| *count <= ELEMENTS_MAX).ok_or(FormatError::Malformed)?;
        for _ in 0..count {
            let start = decoder.position();
            decoder.skip().map_err(CborError::from)?;
            let bytes = value.get(start..decoder.position()).ok_or(FormatError::Malformed)?;
            let item = item(space, bytes)?;
            let is_twice = |other: &Item| {
                other.digest_id == item.digest_id || other.identifier == item.identifier
            };
            if items.get(first..).unwrap_or_default().iter().any(is_twice) {
                return Err(FormatError::Malformed);
            }
            items.push(item);
        }
    }
    Ok(items)
}

fn item(space: &str, bytes: &[u8]) -> Result<Item, FormatError> {
    let map = Map::parse(embedded(bytes)?)?;
    let salt = map.bytes(Label::Text("random"))?.ok_or(FormatError::Malformed)?;
    if salt.len() < RANDOM_BYTES_MIN {
        return Err(FormatError::Malformed);
    }
    let identifier = map.text(Label::Text("elementIdentifier"))?.ok_or(FormatError::Malformed)?;
    let value = map.get(Label::Text("elementValue")).ok_or(FormatError::Malformed)?;
    Ok(Item {
        space: space.to_owned(),
        digest_id: map.number(Label::Text("digestID"))?.ok_or(FormatError::Malformed)?,
        identifier: identifier.to_owned(),
        value: shown(value)?,
        bytes: bytes.to_vec(),
    })
}

impl From<CborError> for FormatError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

impl From<CoseError> for FormatError {
    fn from(error: CoseError) -> Self {
        match error {
            CoseError::TooLong => Self::TooLong,
            CoseError::WrongSignature => Self::WrongSignature,
            CoseError::Malformed | CoseError::CriticalHeader | CoseError::UnknownAlgorithm => {
                Self::Signature(error)
            }
        }
    }
}

//! The Mobile Security Object: what the issuer signs (ISO 18013-5 §9.1.2.4).

use keys::cbor::{CborError, Label, Map};
use keys::cose;
use keys::digest::{DigestAlgorithm, equal};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use minicbor::Decoder;
use minicbor::data::Type;
use serde_json::Value;

use super::element::{TDATE, to_json};
use super::{ELEMENTS_MAX, EMBEDDED, NAME_SPACES_MAX, VERSION};
use crate::FormatError;
use crate::status_list::CredentialStatus;

/// What the issuer signed.
#[derive(Clone, Debug)]
pub(super) struct SecurityObject {
    digest_algorithm: DigestAlgorithm,
    digests: Vec<KeptDigests>,
    pub(super) device_key: PublicKey,
    pub(super) doc_type: String,
    pub(super) signed_at: Timestamp,
    pub(super) valid_from: Timestamp,
    pub(super) valid_until: Timestamp,
    pub(super) status: Option<CredentialStatus>,
}

#[derive(Clone, Debug)]
pub(super) struct SpaceDigests<'b> {
    pub(super) name: &'b str,
    pub(super) digests: Vec<(u64, &'b [u8])>,
}

/// The same, once what was read is gone.
#[derive(Clone, Debug)]
struct KeptDigests {
    name: String,
    digests: Vec<(u64, Vec<u8>)>,
}

impl SpaceDigests<'_> {
    fn kept(self) -> KeptDigests {
        let digests = self.digests.into_iter().map(|(id, digest)| (id, digest.to_vec()));
        KeptDigests { name: self.name.to_owned(), digests: digests.collect() }
    }
}

impl SecurityObject {
    /// Reads the payload of `issuerAuth`.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, FormatError> {
        let map = Map::parse(embedded(payload)?)?;
        let member = |name| map.get(Label::Text(name)).ok_or(FormatError::Malformed);
        if map.text(Label::Text("version"))? != Some(VERSION) {
            return Err(FormatError::OtherDataModel);
        }
        let algorithm = map.text(Label::Text("digestAlgorithm"))?.and_then(DigestAlgorithm::parse);
        let validity = Map::parse(member("validityInfo")?)?;
        let time = |name| tdate(validity.get(Label::Text(name)).ok_or(FormatError::Malformed)?);
        let device_key = Map::parse(member("deviceKeyInfo")?)?;
        let device_key = device_key.get(Label::Text("deviceKey")).ok_or(FormatError::BadBinding)?;
        Ok(Self {
            digest_algorithm: algorithm.ok_or(FormatError::Malformed)?,
            digests: digests(member("valueDigests")?)?
                .into_iter()
                .map(SpaceDigests::kept)
                .collect(),
            device_key: cose::read_key(device_key).map_err(|_| FormatError::BadBinding)?,
            doc_type: map.text(Label::Text("docType"))?.ok_or(FormatError::Malformed)?.to_owned(),
            signed_at: time("signed")?,
            valid_from: time("validFrom")?,
            valid_until: time("validUntil")?,
            status: map.get(Label::Text("status")).map(status).transpose()?,
        })
    }

    /// Whether an element, its bytes as they came, is what was signed under this identifier.
    pub(super) fn has(&self, space: &str, digest_id: u64, bytes: &[u8]) -> bool {
        let space = self.digests.iter().find(|one| one.name == space);
        let digests = space.map_or(&[][..], |space| &space.digests);
        let signed = digests.iter().find(|(id, _)| *id == digest_id);
        signed.is_some_and(|(_, digest)| equal(digest, &self.digest_algorithm.digest(bytes)))
    }
}

pub(super) fn digests(bytes: &[u8]) -> Result<Vec<SpaceDigests<'_>>, FormatError> {
    Map::parse_at_most(bytes, NAME_SPACES_MAX)?.iter().map(space_digests).collect()
}

fn space_digests<'b>(
    (label, value): (Label<'b>, &'b [u8]),
) -> Result<SpaceDigests<'b>, FormatError> {
    let Label::Text(name) = label else { return Err(FormatError::Malformed) };
    let of_id = |(label, digest): (Label<'b>, &'b [u8])| match label {
        Label::Number(id) => Ok((
            u64::try_from(id).map_err(|_| FormatError::Malformed)?,
            Decoder::new(digest).bytes().map_err(CborError::from)?,
        )),
        Label::Text(_) => Err(FormatError::Malformed),
    };
    let digests = Map::parse_at_most(value, ELEMENTS_MAX)?;
    Ok(SpaceDigests { name, digests: digests.iter().map(of_id).collect::<Result<_, _>>()? })
}

/// TSL §6.3; another mechanism is one that we do not know.
pub(super) fn status(bytes: &[u8]) -> Result<CredentialStatus, FormatError> {
    let mut decoder = Decoder::new(bytes);
    let status = to_json(&mut decoder, 0)?;
    let claims = serde_json::Map::from_iter([("status".to_owned(), status)]);
    CredentialStatus::from_claims(&claims)?.ok_or(FormatError::Malformed)
}

/// The bytes inside a byte string that says it is CBOR.
pub(super) fn embedded(bytes: &[u8]) -> Result<&[u8], CborError> {
    let mut decoder = Decoder::new(bytes);
    if decoder.tag()?.as_u64() != EMBEDDED {
        return Err(CborError);
    }
    let inner = decoder.bytes()?;
    if decoder.position() == bytes.len() { Ok(inner) } else { Err(CborError) }
}

pub(super) fn tdate(bytes: &[u8]) -> Result<Timestamp, FormatError> {
    let mut decoder = Decoder::new(bytes);
    let is_tagged = decoder.datatype().is_ok_and(|found| found == Type::Tag)
        && decoder.tag().is_ok_and(|tag| tag.as_u64() == TDATE);
    let text = decoder.str().ok().filter(|_| is_tagged);
    text.and_then(Timestamp::from_rfc3339).ok_or(FormatError::Malformed)
}

/// What a reader is shown of an element.
pub(super) fn shown(bytes: &[u8]) -> Result<Value, CborError> {
    let mut decoder = Decoder::new(bytes);
    let value = to_json(&mut decoder, 0)?;
    if decoder.position() == bytes.len() { Ok(value) } else { Err(CborError) }
}

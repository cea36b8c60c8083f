//! `proofValue` of `ecdsa-sd-2023`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::cbor::encode;
use minicbor::Decoder;
use minicbor::decode::Error;

use super::proof_value::{BASE64_URL, Tag, bounded, each, five, parse, read, text};
use crate::FormatError;

/// The tags of a proof of an issuer, and of one that a holder made.
const BASE: Tag = [0xd9, 0x5d, 0x00];
const DERIVED: Tag = [0xd9, 0x5d, 0x01];
const SIGNATURE_BYTES: usize = 64;
/// Multicodec and compressed point of a P-256 key.
const KEY_BYTES: usize = 35;
const LABEL_BYTES: usize = 32;

/// Either kind.
#[derive(Clone, Debug)]
pub(in crate::data_integrity) enum SdValue {
    Base(Base),
    Derived(Derived),
}

/// What an issuer gives to the holder.
#[derive(Clone)]
#[expect(clippy::struct_field_names, reason = "the specification calls it so")]
pub(in crate::data_integrity) struct Base {
    pub(super) base_signature: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    /// Whoever knows it can tell what was left out of a disclosure.
    pub(super) hmac_key: [u8; 32],
    pub(super) signatures: Vec<Vec<u8>>,
    pub(super) mandatory: Vec<String>,
}

/// What a holder shows.
#[derive(Clone, Debug)]
pub(in crate::data_integrity) struct Derived {
    pub(super) base_signature: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    pub(super) signatures: Vec<Vec<u8>>,
    /// By the number of the canonical label.
    pub(super) labels: BTreeMap<u64, Vec<u8>>,
    pub(super) mandatory_indexes: Vec<u64>,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Base({} signatures)", self.signatures.len())
    }
}

impl SdValue {
    pub(in crate::data_integrity) fn parse(value: &str) -> Result<Self, FormatError> {
        let (tag, cbor) = parse(value)?;
        let value = match tag {
            BASE => read(&cbor, base).map(Self::Base)?,
            DERIVED => read(&cbor, derived).map(Self::Derived)?,
            _ => return Err(FormatError::UnsupportedProof),
        };
        value.is_whole().then_some(value).ok_or(FormatError::Malformed)
    }

    fn is_whole(&self) -> bool {
        let (base_signature, public_key, signatures) = match self {
            Self::Base(Base { base_signature, public_key, signatures, .. })
            | Self::Derived(Derived { base_signature, public_key, signatures, .. }) => {
                (base_signature, public_key, signatures)
            }
        };
        let is_signature = |bytes: &Vec<u8>| bytes.len() == SIGNATURE_BYTES;
        let has_labels = match self {
            Self::Base(_) => true,
            Self::Derived(derived) => derived.are_labels_distinct(),
        };
        is_signature(base_signature)
            && public_key.len() == KEY_BYTES
            && signatures.iter().all(is_signature)
            && has_labels
    }
}

impl Derived {
    /// The label of a thing, by its canonical one.
    pub(super) fn label(&self, canonical: &str) -> Option<String> {
        let number = canonical.strip_prefix("c14n")?.parse().ok()?;
        let label = BASE64_URL_SAFE_NO_PAD.encode(self.labels.get(&number)?);
        Some(format!("{BASE64_URL}{label}"))
    }

    /// Two things with one label would be one.
    fn are_labels_distinct(&self) -> bool {
        let distinct: std::collections::BTreeSet<_> = self.labels.values().collect();
        distinct.len() == self.labels.len()
            && distinct.iter().all(|label| label.len() == LABEL_BYTES)
    }

    pub(super) fn to_text(&self) -> String {
        text(
            DERIVED,
            &encode(|to| {
                to.array(5)?.bytes(&self.base_signature)?.bytes(&self.public_key)?;
                to.array(self.signatures.len() as u64)?;
                for signature in &self.signatures {
                    to.bytes(signature)?;
                }
                to.map(self.labels.len() as u64)?;
                for (number, label) in &self.labels {
                    to.u64(*number)?.bytes(label)?;
                }
                to.array(self.mandatory_indexes.len() as u64)?;
                for index in &self.mandatory_indexes {
                    to.u64(*index)?;
                }
                Ok(())
            }),
        )
    }
}

impl Base {
    pub(super) fn to_text(&self) -> String {
        text(
            BASE,
            &encode(|to| {
                to.array(5)?.bytes(&self.base_signature)?.bytes(&self.public_key)?;
                to.bytes(&self.hmac_key)?;
                to.array(self.signatures.len() as u64)?;
                for signature in &self.signatures {
                    to.bytes(signature)?;
                }
                to.array(self.mandatory.len() as u64)?;
                for pointer in &self.mandatory {
                    to.str(pointer)?;
                }
                Ok(())
            }),
        )
    }
}

fn base(from: &mut Decoder<'_>) -> Result<Base, Error> {
    five(from)?;
    Ok(Base {
        base_signature: bytes(from)?,
        public_key: bytes(from)?,
        hmac_key: bytes(from)?.try_into().map_err(|_| Error::message("hmacKey"))?,
        signatures: each(from, bytes)?,
        mandatory: each(from, |from| from.str().map(str::to_owned))?,
    })
}

fn derived(from: &mut Decoder<'_>) -> Result<Derived, Error> {
    five(from)?;
    let (base_signature, public_key) = (bytes(from)?, bytes(from)?);
    let signatures = each(from, bytes)?;
    let count = bounded(from.map()?)?;
    let mut labels = BTreeMap::new();
    for _ in 0..count {
        if labels.insert(from.u64()?, bytes(from)?).is_some() {
            return Err(Error::message("a label twice"));
        }
    }
    let mandatory_indexes = each(from, Decoder::u64)?;
    Ok(Derived { base_signature, public_key, signatures, labels, mandatory_indexes })
}

/// A byte string, which some write behind tag 64 (RFC 8746 §2.1: an array of bytes).
fn bytes(from: &mut Decoder<'_>) -> Result<Vec<u8>, Error> {
    if from.datatype()? == minicbor::data::Type::Tag && from.tag()?.as_u64() != 64 {
        return Err(Error::message("an unknown tag"));
    }
    from.bytes().map(<[u8]>::to_vec)
}

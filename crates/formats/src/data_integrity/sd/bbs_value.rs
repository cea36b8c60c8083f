//! `proofValue` of `bbs-2023`, of its kind without further features.

use std::collections::{BTreeMap, BTreeSet};

use keys::bbs::{PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use keys::cbor::encode;
use minicbor::Decoder;
use minicbor::decode::Error;

use super::proof_value::{Tag, bounded, each, five, parse, read, text};
use crate::FormatError;

/// The tags of a proof of an issuer, and of one that a holder made. Those that follow (`0x04` to `0x09`)
/// are of holder binding and pseudonyms, which are drafts yet.
const BASE: Tag = [0xd9, 0x5d, 0x02];
const DERIVED: Tag = [0xd9, 0x5d, 0x03];
/// Two digests.
const HEADER_BYTES: usize = 64;
/// Longest `presentationHeader`.
const PRESENTATION_HEADER_BYTES_MAX: usize = 4 * 1024;

/// Either kind.
#[derive(Clone, Debug)]
pub(in crate::data_integrity) enum BbsValue {
    Base(Base),
    Derived(Derived),
}

/// What an issuer gives to the holder.
#[derive(Clone)]
pub(in crate::data_integrity) struct Base {
    pub(super) signature: Vec<u8>,
    pub(super) header: Vec<u8>,
    /// The issuer's, as `bbs` writes it.
    pub(super) public_key: Vec<u8>,
    /// Whoever knows it can tell what was left out of a disclosure.
    pub(super) hmac_key: [u8; 32],
    pub(super) mandatory: Vec<String>,
}

/// What a holder shows.
#[derive(Clone, Debug)]
pub(in crate::data_integrity) struct Derived {
    pub(super) proof: Vec<u8>,
    /// The numbers of the issuer's labels by those of the canonical ones.
    pub(super) labels: BTreeMap<u64, u64>,
    pub(super) mandatory_indexes: Vec<u64>,
    /// Among the statements that need not be shown.
    pub(super) selective_indexes: Vec<u64>,
    pub(super) presentation_header: Vec<u8>,
}

/// Who has the signature can make proofs with it.
impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Base(..)")
    }
}

impl BbsValue {
    pub(in crate::data_integrity) fn parse(value: &str) -> Result<Self, FormatError> {
        let (tag, cbor) = parse(value)?;
        let value = match tag {
            BASE => read(&cbor, base).map(Self::Base)?,
            DERIVED => read(&cbor, derived).map(Self::Derived)?,
            _ => return Err(FormatError::UnsupportedProof),
        };
        let is_whole = match &value {
            Self::Base(base) => base.is_whole(),
            Self::Derived(derived) => derived.is_whole(),
        };
        is_whole.then_some(value).ok_or(FormatError::Malformed)
    }
}

impl Base {
    fn is_whole(&self) -> bool {
        self.signature.len() == SIGNATURE_BYTES
            && self.header.len() == HEADER_BYTES
            && self.public_key.len() == PUBLIC_KEY_BYTES
    }

    pub(super) fn to_text(&self) -> String {
        text(
            BASE,
            &encode(|to| {
                to.array(5)?.bytes(&self.signature)?.bytes(&self.header)?;
                to.bytes(&self.public_key)?.bytes(&self.hmac_key)?;
                to.array(self.mandatory.len() as u64)?;
                for pointer in &self.mandatory {
                    to.str(pointer)?;
                }
                Ok(())
            }),
        )
    }
}

impl Derived {
    /// Two things with one label would be one. Indexes go up, so that none is there twice; of those that
    /// were chosen, `bbs` says so.
    fn is_whole(&self) -> bool {
        let distinct: BTreeSet<_> = self.labels.values().collect();
        distinct.len() == self.labels.len()
            && self.mandatory_indexes.is_sorted_by(|one, next| one < next)
            && self.presentation_header.len() <= PRESENTATION_HEADER_BYTES_MAX
    }

    pub(super) fn to_text(&self) -> String {
        text(
            DERIVED,
            &encode(|to| {
                to.array(5)?.bytes(&self.proof)?.map(self.labels.len() as u64)?;
                for (number, label) in &self.labels {
                    to.u64(*number)?.u64(*label)?;
                }
                for indexes in [&self.mandatory_indexes, &self.selective_indexes] {
                    to.array(indexes.len() as u64)?;
                    for index in indexes {
                        to.u64(*index)?;
                    }
                }
                to.bytes(&self.presentation_header)?;
                Ok(())
            }),
        )
    }
}

fn base(from: &mut Decoder<'_>) -> Result<Base, Error> {
    five(from)?;
    Ok(Base {
        signature: bytes(from)?,
        header: bytes(from)?,
        public_key: bytes(from)?,
        hmac_key: bytes(from)?.try_into().map_err(|_| Error::message("hmacKey"))?,
        mandatory: each(from, |from| from.str().map(str::to_owned))?,
    })
}

fn derived(from: &mut Decoder<'_>) -> Result<Derived, Error> {
    five(from)?;
    let proof = bytes(from)?;
    let count = bounded(from.map()?)?;
    let mut labels = BTreeMap::new();
    for _ in 0..count {
        if labels.insert(from.u64()?, from.u64()?).is_some() {
            return Err(Error::message("a label twice"));
        }
    }
    Ok(Derived {
        proof,
        labels,
        mandatory_indexes: each(from, Decoder::u64)?,
        selective_indexes: each(from, Decoder::u64)?,
        presentation_header: bytes(from)?,
    })
}

/// A byte string; here none may stand behind a tag.
fn bytes(from: &mut Decoder<'_>) -> Result<Vec<u8>, Error> {
    from.bytes().map(<[u8]>::to_vec)
}

//! Statements of which a holder can leave some out: what `ecdsa-sd-2023` and `bbs-2023` have in common.
//!
//! The issuer's *base* proof lets a holder *derive* disclosures, each with what must be shown and what
//! was chosen. Things without a name get labels that say nothing of what was left out: codes by a key
//! (HMAC) that a disclosure does not hold, or their order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keys::digest::sha256;
use serde_json::{Map, Value};

use super::{Contexts, PROOF, Proof, ProofValue, VALUE, rdfc, with_contexts};
use crate::FormatError;
use labels::Labelled;
use pointer::{Selection, parse as parse_pointer};

#[cfg(feature = "bbs-2023")]
mod bbs;
#[cfg(feature = "bbs-2023")]
mod bbs_value;
mod ecdsa;
mod ecdsa_value;
mod labels;
mod pointer;
mod proof_value;

#[cfg(feature = "bbs-2023")]
pub use bbs::sign_unlinkable;
#[cfg(feature = "bbs-2023")]
pub(super) use bbs::verify as verify_unlinkable;
#[cfg(feature = "bbs-2023")]
pub(super) use bbs_value::BbsValue;
pub use ecdsa::sign_selective;
pub(super) use ecdsa::verify;
pub(super) use ecdsa_value::SdValue;

/// Most statements of a document: each costs a signature, or a part of one, and its verification.
const STATEMENTS_MAX: usize = 1024;

/// What a holder shows of a document: what must be shown, and what `selective` points to (JSON
/// pointers). The document has the one base proof that is disclosed.
pub fn derive(
    document: &Map<String, Value>,
    selective: &[String],
    contexts: &Contexts,
) -> Result<Map<String, Value>, FormatError> {
    derive_with(document, (selective, &[]), contexts)
}

/// The same with what a verifier wants to find in the proof, so that no other takes it: a
/// `presentationHeader`, which `bbs-2023` alone has.
#[cfg(feature = "bbs-2023")]
pub fn derive_for_verifier(
    document: &Map<String, Value>,
    selective: &[String],
    presentation_header: &[u8],
    contexts: &Contexts,
) -> Result<Map<String, Value>, FormatError> {
    derive_with(document, (selective, presentation_header), contexts)
}

fn derive_with(
    document: &Map<String, Value>,
    (selective, presentation_header): (&[String], &[u8]),
    contexts: &Contexts,
) -> Result<Map<String, Value>, FormatError> {
    let mut document = document.clone();
    let proof = document.remove(PROOF).ok_or(FormatError::Malformed)?;
    let mut proof = proof.as_object().cloned().ok_or(FormatError::Malformed)?;
    let (mut shown, value) = match &Proof::parse(&proof)?.value {
        ProofValue::Selective(value) if presentation_header.is_empty() => {
            ecdsa::derive(value, &document, selective, contexts)?
        }
        #[cfg(feature = "bbs-2023")]
        ProofValue::Unlinkable(value) => {
            bbs::derive(value, &document, (selective, presentation_header), contexts)?
        }
        ProofValue::Selective(_) | ProofValue::Signature(_) => {
            return Err(FormatError::UnsupportedProof);
        }
    };
    proof.insert(VALUE.to_owned(), value.into());
    shown.insert(PROOF.to_owned(), proof.into());
    Ok(shown)
}

/// What a holder shows, before it is proved.
struct Disclosed {
    document: Map<String, Value>,
    /// Of all statements, which must be shown.
    mandatory: BTreeSet<usize>,
    /// Which were chosen, some of them perhaps of those.
    chosen: BTreeSet<usize>,
    /// Of the statements that are shown, which must be.
    mandatory_indexes: Vec<u64>,
    /// The issuer's labels by the numbers of the canonical ones that a verifier finds.
    labels: BTreeMap<u64, String>,
}

impl Disclosed {
    fn of(
        document: &Map<String, Value>,
        labelled: &Labelled,
        (mandatory, selective): (&[String], &[String]),
        contexts: &Contexts,
    ) -> Result<Self, FormatError> {
        let all = [mandatory, selective].concat();
        let mandatory = labelled.matching(mandatory, contexts)?;
        let chosen = labelled.matching(selective, contexts)?;
        let combined = labelled.matching(&all, contexts)?;
        let places = combined.iter().enumerate();
        let places = places.filter(|(_, index)| mandatory.contains(index));
        let mandatory_indexes = places.map(|(place, _)| place as u64).collect();
        let shown = Selection::of(&all)?.apply(document)?.ok_or(FormatError::Malformed)?;
        let labels = labelled.labels_of(&shown, &all, contexts)?;
        Ok(Self { document: shown, mandatory, chosen, mandatory_indexes, labels })
    }
}

/// Statements in their order: those that must be shown, and the others.
struct Statements {
    mandatory: String,
    others: Vec<String>,
}

impl Statements {
    fn split(lines: Vec<String>, is_mandatory: impl Fn(usize) -> bool) -> Self {
        let (mandatory, others): (Vec<_>, Vec<_>) =
            lines.into_iter().enumerate().partition(|(index, _)| is_mandatory(*index));
        let line = |(_, line): (usize, String)| line;
        Self {
            mandatory: mandatory.into_iter().map(line).collect(),
            others: others.into_iter().map(line).collect(),
        }
    }

    /// All of a document, which the issuer signs.
    fn of_base(
        labelled: Labelled,
        mandatory: &[String],
        contexts: &Contexts,
    ) -> Result<Self, FormatError> {
        let mandatory = labelled.matching(mandatory, contexts)?;
        Ok(Self::split(labelled.into_lines(), |index| mandatory.contains(&index)))
    }

    /// Those of a disclosure: things have the labels that the proof gives them, each one of its own.
    fn of_disclosure(
        document: &Map<String, Value>,
        label: impl Fn(&str) -> Option<String>,
        mandatory_indexes: &[u64],
        contexts: &Contexts,
    ) -> Result<Self, FormatError> {
        let lines = labels::lines(&rdfc::dataset(document, contexts)?, label)?;
        let is_there = |index: &u64| *index < lines.len() as u64;
        if lines.len() > STATEMENTS_MAX || !mandatory_indexes.iter().all(is_there) {
            return Err(FormatError::Malformed);
        }
        Ok(Self::split(lines, |index| mandatory_indexes.contains(&(index as u64))))
    }

    /// What must be shown, as it is signed.
    fn mandatory_digest(&self) -> [u8; 32] {
        sha256(self.mandatory.as_bytes())
    }
}

/// A document with labels of the issuer's choice.
fn labelled(
    document: &Map<String, Value>,
    labels: impl FnOnce(HashMap<String, String>) -> HashMap<String, String>,
    contexts: &Contexts,
) -> Result<Labelled, FormatError> {
    let labelled = Labelled::of(document, labels, contexts)?;
    let is_short = labelled.lines().len() <= STATEMENTS_MAX;
    is_short.then_some(labelled).ok_or(FormatError::TooLong)
}

/// The proof without its value, as it is signed.
fn options_digest(
    document: &Map<String, Value>,
    options: &Map<String, Value>,
    contexts: &Contexts,
) -> Result<[u8; 32], FormatError> {
    let options = rdfc::canonical(&with_contexts(options, document), false, contexts)?;
    Ok(sha256(&options))
}

/// Whether a JSON pointer is one, for whoever writes it down.
#[must_use]
pub fn is_pointer(text: &str) -> bool {
    parse_pointer(text).is_ok()
}

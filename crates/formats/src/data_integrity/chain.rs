//! Proofs that build on others (VC Data Integrity, proof chains): what was signed is the document with
//! the earlier proofs in it.

use serde_json::{Map, Value};

use super::{PROOF, Proof};
use crate::FormatError;

/// All proofs of a document, as they came.
#[derive(Clone, Debug)]
pub struct Proofs(Vec<Map<String, Value>>);

impl Proofs {
    /// Most proofs of one document: each may be verified.
    const MAX: usize = 16;

    /// Reads `proof`, one or several.
    pub fn parse(proofs: &Value) -> Result<Self, FormatError> {
        let proofs = proofs.as_array().map_or(std::slice::from_ref(proofs), Vec::as_slice);
        if proofs.len() > Self::MAX {
            return Err(FormatError::TooLong);
        }
        // Also one that is not ours to verify says what it is (VCDM 2.0 §4.5).
        let typed = |proof: &&Map<String, Value>| proof.contains_key("type");
        let read =
            |proof: &Value| proof.as_object().filter(typed).cloned().ok_or(FormatError::Malformed);
        proofs.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Each, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.0.iter()
    }

    /// The document, which is given without proofs, as it was when this proof was made: with those
    /// that it names as its `previousProof`, in their order; all must be there.
    pub fn document_of(
        &self,
        proof: &Proof,
        mut document: Map<String, Value>,
    ) -> Result<Map<String, Value>, FormatError> {
        if proof.previous.is_empty() {
            return Ok(document);
        }
        let is_named = |one: &&Map<String, Value>| {
            one.get("id").and_then(Value::as_str).is_some_and(|id| proof.is_on(id))
        };
        let earlier: Vec<Value> = self.iter().filter(is_named).cloned().map(Value::from).collect();
        if earlier.len() != proof.previous.len() {
            return Err(FormatError::MissingProof);
        }
        document.insert(PROOF.to_owned(), earlier.into());
        Ok(document)
    }
}

impl Proof {
    /// Whether it builds on the proof of this name.
    fn is_on(&self, id: &str) -> bool {
        self.previous.iter().any(|name| name == id)
    }
}

/// Names of earlier proofs, one or several, none twice.
pub(super) fn previous(proof: &Map<String, Value>) -> Result<Vec<String>, FormatError> {
    let Some(names) = proof.get("previousProof") else { return Ok(Vec::new()) };
    let names = names.as_array().map_or(std::slice::from_ref(names), Vec::as_slice);
    if names.is_empty() || names.len() > Proofs::MAX {
        return Err(FormatError::Malformed);
    }
    let mut previous = Vec::new();
    for name in names {
        match name.as_str() {
            Some(name) if !previous.iter().any(|known| known == name) => {
                previous.push(name.to_owned());
            }
            _ => return Err(FormatError::Malformed),
        }
    }
    Ok(previous)
}

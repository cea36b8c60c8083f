//! `ecdsa-sd-2023`: statements that are signed one by one, so that a holder can leave some out.
//!
//! The issuer's *base* proof holds a signature of each statement that may be left out, by a key made
//! for this one credential; the issuer's own key signs that key, the proof, and the statements that
//! must stay. A holder *derives* a disclosure, with the signatures of what is shown. Things without a
//! name get labels that say nothing of what was left out: codes by a key (HMAC) that a disclosure
//! does not hold.

use keys::algorithm::Algorithm;
use keys::digest::sha256;
use keys::outside::Random;
use keys::public_key::PublicKey;
use keys::signer::{Signer, SoftwareKey};
use keys::{did, multibase};
use serde_json::{Map, Value};

use super::{
    Contexts, PROOF, Proof, ProofOptions, ProofPurpose, VALUE, options_of, rdfc, with_contexts,
};
use crate::{FormatError, IssueError};
use labels::{Labelled, hmac_label};
use pointer::{Selection, parse as parse_pointer};
use value::{Base, Derived};

mod labels;
mod pointer;
mod value;

pub(super) use value::SdValue;

/// Most statements that are signed by themselves: each costs a signature, and its verification.
const STATEMENTS_MAX: usize = 1024;

/// Adds a base proof to a document. `mandatory` are JSON pointers (RFC 6901) to what the holder must
/// show.
pub async fn sign_selective(
    mut document: Map<String, Value>,
    options: ProofOptions<'_>,
    mandatory: Vec<String>,
    (signer, random): (&dyn Signer, &dyn Random),
) -> Result<Map<String, Value>, IssueError> {
    let contexts = Contexts::default();
    let mut proof =
        options_of(&document, options, (signer.algorithm(), ProofPurpose::AssertionMethod))?;
    let mut hmac_key = [0; 32];
    random.fill(&mut hmac_key);
    let statements = base_statements(&document, &hmac_key, &mandatory, &contexts);
    let statements = statements.map_err(IssueError::Uncanonical)?;
    let local = SoftwareKey::generate(Algorithm::Es256).map_err(IssueError::Signing)?;
    let mut signatures = Vec::new();
    for statement in &statements.others {
        let signature = local.sign(statement.as_bytes()).await.map_err(IssueError::Signing)?;
        signatures.push(signature);
    }
    let public_key = multibase::decode_base58(&did::to_multikey(local.public_key()));
    let public_key = public_key.unwrap_or_default();
    let message = base_message(&document, &proof, (&public_key, &statements), &contexts);
    let message = message.map_err(IssueError::Uncanonical)?;
    let base_signature = signer.sign(&message).await.map_err(IssueError::Signing)?;
    let base = Base { base_signature, public_key, hmac_key, signatures, mandatory };
    proof.insert(VALUE.to_owned(), base.to_text().into());
    document.insert(PROOF.to_owned(), proof.into());
    Ok(document)
}

/// What a holder shows of a document: what must be shown, and what `selective` points to (JSON
/// pointers). The document has the one base proof that is disclosed.
pub fn derive(
    document: &Map<String, Value>,
    selective: &[String],
    contexts: &Contexts,
) -> Result<Map<String, Value>, FormatError> {
    let mut document = document.clone();
    let proof = document.remove(PROOF).ok_or(FormatError::Malformed)?;
    let mut proof = proof.as_object().cloned().ok_or(FormatError::Malformed)?;
    let read = Proof::parse(&proof)?;
    let SdValue::Base(base) = read.selective()? else {
        return Err(FormatError::UnsupportedProof); // what was derived is shown as it is
    };
    let labelled = base_labels(&document, &base.hmac_key, contexts)?;
    let mandatory = labelled.matching(&base.mandatory, contexts)?;
    let chosen = labelled.matching(selective, contexts)?;
    let all = [base.mandatory.as_slice(), selective].concat();
    let combined = labelled.matching(&all, contexts)?;
    let place = |index: &usize| mandatory.contains(index);
    let places = combined.iter().enumerate();
    let mandatory_indexes =
        places.filter(|(_, index)| place(index)).map(|(place, _)| place as u64).collect();
    let signed = (0..labelled.lines().len()).filter(|index| !mandatory.contains(index));
    let signatures = signed.zip(&base.signatures).filter(|(index, _)| chosen.contains(index));
    let mut shown = Selection::of(&all)?.apply(&document)?.ok_or(FormatError::Malformed)?;
    let derived = Derived {
        base_signature: base.base_signature.clone(),
        public_key: base.public_key.clone(),
        signatures: signatures.map(|(_, signature)| signature.clone()).collect(),
        labels: labelled.labels_of(&shown, &all, contexts)?,
        mandatory_indexes,
    };
    proof.insert(VALUE.to_owned(), derived.to_text().into());
    shown.insert(PROOF.to_owned(), proof.into());
    Ok(shown)
}

/// Verifies either kind of proof; of a base proof that nothing is missing, too.
pub(super) fn verify(
    value: &SdValue,
    (document, options): (&Map<String, Value>, &Map<String, Value>),
    key: &PublicKey,
    contexts: &Contexts,
) -> Result<(), FormatError> {
    let (statements, base_signature, public_key, signatures) = match value {
        SdValue::Base(base) => {
            let statements = base_statements(document, &base.hmac_key, &base.mandatory, contexts)?;
            (statements, &base.base_signature, &base.public_key, &base.signatures)
        }
        SdValue::Derived(derived) => {
            let statements = derived_statements(document, derived, contexts)?;
            (statements, &derived.base_signature, &derived.public_key, &derived.signatures)
        }
    };
    let wrong = |_| FormatError::WrongSignature;
    if statements.others.len() != signatures.len() {
        return Err(FormatError::WrongSignature);
    }
    let message = base_message(document, options, (public_key, &statements), contexts)?;
    key.verify(&message, base_signature).map_err(wrong)?;
    let local = did::read_multikey(&multibase::encode_base58(public_key));
    let local = local.ok().filter(|key| key.algorithm() == Algorithm::Es256);
    let local = local.ok_or(FormatError::Malformed)?;
    let mut pairs = statements.others.iter().zip(signatures);
    pairs.try_for_each(|(line, signature)| local.verify(line.as_bytes(), signature).map_err(wrong))
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
}

fn base_labels(
    document: &Map<String, Value>,
    hmac_key: &[u8; 32],
    contexts: &Contexts,
) -> Result<Labelled, FormatError> {
    let labelled = Labelled::of(document, |label| Some(hmac_label(hmac_key, label)), contexts)?;
    let is_short = labelled.lines().len() <= STATEMENTS_MAX;
    is_short.then_some(labelled).ok_or(FormatError::TooLong)
}

fn base_statements(
    document: &Map<String, Value>,
    hmac_key: &[u8; 32],
    mandatory: &[String],
    contexts: &Contexts,
) -> Result<Statements, FormatError> {
    let labelled = base_labels(document, hmac_key, contexts)?;
    let mandatory = labelled.matching(mandatory, contexts)?;
    Ok(Statements::split(labelled.into_lines(), |index| mandatory.contains(&index)))
}

/// Things have the labels that the proof gives them, each one of its own.
fn derived_statements(
    document: &Map<String, Value>,
    derived: &Derived,
    contexts: &Contexts,
) -> Result<Statements, FormatError> {
    let label = |label: &str| derived.label(label);
    let lines = labels::lines(&rdfc::dataset(document, contexts)?, label)?;
    let is_there = |index: &u64| *index < lines.len() as u64;
    if lines.len() > STATEMENTS_MAX || !derived.mandatory_indexes.iter().all(is_there) {
        return Err(FormatError::Malformed);
    }
    Ok(Statements::split(lines, |index| derived.mandatory_indexes.contains(&(index as u64))))
}

/// What the issuer signs.
fn base_message(
    document: &Map<String, Value>,
    options: &Map<String, Value>,
    (public_key, statements): (&[u8], &Statements),
    contexts: &Contexts,
) -> Result<Vec<u8>, FormatError> {
    let options = rdfc::canonical(&with_contexts(options, document), false, contexts)?;
    let mandatory = sha256(statements.mandatory.as_bytes());
    Ok([&sha256(&options)[..], public_key, &mandatory].concat())
}

/// Whether a JSON pointer is one, for whoever writes it down.
#[must_use]
pub fn is_pointer(text: &str) -> bool {
    parse_pointer(text).is_ok()
}

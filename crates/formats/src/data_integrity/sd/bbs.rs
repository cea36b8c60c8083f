//! `bbs-2023` (W3C vc-di-bbs): statements that are signed together, in a way that lets a holder prove
//! some of them without showing the signature.
//!
//! The base proof holds the issuer's BBS signature of the statements that may be left out, with the
//! proof and the statements that must stay as its header. A disclosure has a proof that is made for it
//! alone: nobody can tell by it that another one is of the same credential. By what is shown, people
//! can, of course.

use std::collections::{BTreeSet, HashMap};

use keys::bbs::{self, BbsError, BbsKey, Headers};
use keys::outside::Random;
use keys::public_key::PublicKey;
use keys::signer::SignError;
use serde_json::{Map, Value};

use super::bbs_value::{Base, BbsValue, Derived};
use super::labels::hmac_label;
use super::{Disclosed, Statements, labelled, options_digest};
use crate::data_integrity::{Contexts, PROOF, ProofOptions, ProofPurpose, VALUE, options_of};
use crate::{FormatError, IssueError};

/// In front of the number of a label.
const LABEL: char = 'b';

/// Adds a base proof to a document. `mandatory` are JSON pointers (RFC 6901) to what the holder must
/// show.
pub fn sign_unlinkable(
    mut document: Map<String, Value>,
    options: ProofOptions<'_>,
    mandatory: Vec<String>,
    (key, random): (&BbsKey, &dyn Random),
) -> Result<Map<String, Value>, IssueError> {
    let contexts = options.contexts();
    let public_key = key.public_key();
    let mut proof =
        options_of(&document, options, (public_key.algorithm(), ProofPurpose::AssertionMethod))?;
    let mut hmac_key = [0; 32];
    random.fill(&mut hmac_key);
    let statements = base_statements(&document, &hmac_key, &mandatory, &contexts);
    let statements = statements.map_err(IssueError::Uncanonical)?;
    let header = header(&document, &proof, &statements, &contexts);
    let header = header.map_err(IssueError::Uncanonical)?;
    let signature =
        key.sign(&header, &messages(&statements.others)).map_err(|error| match error {
            BbsError::TooManyMessages => IssueError::TooLong,
            BbsError::UnreadableKey
            | BbsError::OtherKey
            | BbsError::BadPlaces
            | BbsError::Malformed
            | BbsError::Wrong
            | BbsError::NotMade => IssueError::Signing(SignError::Signing),
        })?;
    let public_key = bbs::octets_of(public_key).unwrap_or_default().to_vec();
    let base = Base { signature, header, public_key, hmac_key, mandatory };
    proof.insert(VALUE.to_owned(), base.to_text().into());
    document.insert(PROOF.to_owned(), proof.into());
    Ok(document)
}

/// What is shown, and the value of its proof.
pub(super) fn derive(
    value: &BbsValue,
    document: &Map<String, Value>,
    (selective, presentation_header): (&[String], &[u8]),
    contexts: &Contexts,
) -> Result<(Map<String, Value>, String), FormatError> {
    let BbsValue::Base(base) = value else {
        return Err(FormatError::UnsupportedProof); // what was derived is shown as it is
    };
    let labelled = labelled(document, shuffled(&base.hmac_key), contexts)?;
    let pointers = (base.mandatory.as_slice(), selective);
    let disclosed = Disclosed::of(document, &labelled, pointers, contexts)?;
    let lines = labelled.lines().iter().enumerate();
    let signed = lines.filter(|(index, _)| !disclosed.mandatory.contains(index));
    let (indexes, signed): (Vec<usize>, Vec<String>) =
        signed.map(|(index, line)| (index, line.clone())).unzip();
    let places = indexes.iter().enumerate();
    let chosen = places.filter(|(_, index)| disclosed.chosen.contains(index));
    let chosen: Vec<usize> = chosen.map(|(place, _)| place).collect();
    let key = bbs::key_of(&base.public_key).map_err(refused)?;
    let headers = Headers { signed: &base.header, presentation: presentation_header };
    let proof = bbs::prove(&key, &base.signature, headers, &messages(&signed), &chosen);
    let labels = disclosed.labels.iter().map(|(number, label)| {
        let label = label.strip_prefix(LABEL).and_then(|label| label.parse().ok());
        label.map(|label| (*number, label)).ok_or(FormatError::Malformed)
    });
    let derived = Derived {
        proof: proof.map_err(refused)?,
        labels: labels.collect::<Result<_, _>>()?,
        mandatory_indexes: disclosed.mandatory_indexes,
        selective_indexes: chosen.into_iter().map(|place| place as u64).collect(),
        presentation_header: presentation_header.to_vec(),
    };
    Ok((disclosed.document, derived.to_text()))
}

/// Verifies either kind of proof.
pub(in crate::data_integrity) fn verify(
    value: &BbsValue,
    (document, options): (&Map<String, Value>, &Map<String, Value>),
    key: &PublicKey,
    contexts: &Contexts,
) -> Result<(), FormatError> {
    match value {
        BbsValue::Base(base) => {
            let statements = base_statements(document, &base.hmac_key, &base.mandatory, contexts)?;
            let header = header(document, options, &statements, contexts)?;
            // What the holder works with later is what was signed.
            if header != base.header || bbs::octets_of(key) != Some(&base.public_key) {
                return Err(FormatError::WrongSignature);
            }
            let messages = messages(&statements.others);
            bbs::verify(key, &base.signature, &header, &messages).map_err(refused)
        }
        BbsValue::Derived(derived) => {
            let label = |label: &str| {
                let number = label.strip_prefix("c14n")?.parse().ok()?;
                Some(format!("{LABEL}{}", derived.labels.get(&number)?))
            };
            let indexes = &derived.mandatory_indexes;
            let statements = Statements::of_disclosure(document, label, indexes, contexts)?;
            let header = header(document, options, &statements, contexts)?;
            let headers = Headers { signed: &header, presentation: &derived.presentation_header };
            let places = derived.selective_indexes.iter().map(|index| usize::try_from(*index));
            let places: Result<Vec<usize>, _> = places.collect();
            let places = places.map_err(|_| FormatError::Malformed)?;
            let messages = messages(&statements.others);
            bbs::verify_proof(key, &derived.proof, headers, &messages, &places).map_err(refused)
        }
    }
}

const fn refused(error: BbsError) -> FormatError {
    match error {
        BbsError::Wrong | BbsError::OtherKey => FormatError::WrongSignature,
        BbsError::TooManyMessages => FormatError::TooLong,
        BbsError::UnreadableKey | BbsError::BadPlaces | BbsError::Malformed | BbsError::NotMade => {
            FormatError::Malformed
        }
    }
}

fn base_statements(
    document: &Map<String, Value>,
    hmac_key: &[u8; 32],
    mandatory: &[String],
    contexts: &Contexts,
) -> Result<Statements, FormatError> {
    Statements::of_base(labelled(document, shuffled(hmac_key), contexts)?, mandatory, contexts)
}

/// Labels are numbers in the order of the codes: codes themselves would be the same in each disclosure
/// (`createShuffledIdLabelMapFunction`).
fn shuffled(
    hmac_key: &[u8; 32],
) -> impl FnOnce(HashMap<String, String>) -> HashMap<String, String> + '_ {
    |canonical| {
        let code = |label: &String| hmac_label(hmac_key, label);
        let codes: BTreeSet<String> = canonical.values().map(code).collect();
        let numbers: HashMap<String, usize> = codes.into_iter().zip(0..).collect();
        let number = |label: &String| numbers.get(&code(label)).copied().unwrap_or_default();
        let labels = canonical.iter();
        labels.map(|(name, label)| (name.clone(), format!("{LABEL}{}", number(label)))).collect()
    }
}

/// What is signed with the statements, and what a verifier computes (`bbsHeader`).
fn header(
    document: &Map<String, Value>,
    options: &Map<String, Value>,
    statements: &Statements,
    contexts: &Contexts,
) -> Result<Vec<u8>, FormatError> {
    let options = options_digest(document, options, contexts)?;
    Ok([options, statements.mandatory_digest()].concat())
}

fn messages(lines: &[String]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| line.clone().into_bytes()).collect()
}

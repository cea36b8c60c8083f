//! `ecdsa-sd-2023`: statements that are signed one by one.
//!
//! The base proof holds a signature of each statement that may be left out, by a key made for this one
//! credential; the issuer's own key signs that key, the proof, and the statements that must stay. A
//! disclosure has the signatures of what is shown.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::outside::Random;
use keys::public_key::PublicKey;
use keys::signer::{Signer, SoftwareKey};
use keys::{did, multibase};
use serde_json::{Map, Value};

use super::ecdsa_value::{Base, Derived, SdValue};
use super::labels::hmac_label;
use super::{Disclosed, Statements, labelled, options_digest};
use crate::data_integrity::{Contexts, PROOF, ProofOptions, ProofPurpose, VALUE, options_of};
use crate::{FormatError, IssueError};

/// Adds a base proof to a document. `mandatory` are JSON pointers (RFC 6901) to what the holder must
/// show.
pub async fn sign_selective(
    mut document: Map<String, Value>,
    options: ProofOptions<'_>,
    mandatory: Vec<String>,
    (signer, random): (&dyn Signer, &dyn Random),
) -> Result<Map<String, Value>, IssueError> {
    let contexts = options.contexts();
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

/// What is shown, and the value of its proof.
pub(super) fn derive(
    value: &SdValue,
    document: &Map<String, Value>,
    selective: &[String],
    contexts: &Contexts,
) -> Result<(Map<String, Value>, String), FormatError> {
    let SdValue::Base(base) = value else {
        return Err(FormatError::UnsupportedProof); // what was derived is shown as it is
    };
    let labelled = labelled(document, coded(&base.hmac_key), contexts)?;
    let pointers = (base.mandatory.as_slice(), selective);
    let disclosed = Disclosed::of(document, &labelled, pointers, contexts)?;
    let signed = (0..labelled.lines().len()).filter(|index| !disclosed.mandatory.contains(index));
    let signatures = signed.zip(&base.signatures);
    let signatures = signatures.filter(|(index, _)| disclosed.chosen.contains(index));
    let labels = disclosed.labels.iter().map(|(number, label)| {
        let label = label.strip_prefix('u');
        let label = label.and_then(|label| BASE64_URL_SAFE_NO_PAD.decode(label).ok());
        label.map(|label| (*number, label)).ok_or(FormatError::Malformed)
    });
    let derived = Derived {
        base_signature: base.base_signature.clone(),
        public_key: base.public_key.clone(),
        signatures: signatures.map(|(_, signature)| signature.clone()).collect(),
        labels: labels.collect::<Result<BTreeMap<_, _>, _>>()?,
        mandatory_indexes: disclosed.mandatory_indexes,
    };
    Ok((disclosed.document, derived.to_text()))
}

/// Verifies either kind of proof; of a base proof that nothing is missing, too.
pub(in crate::data_integrity) fn verify(
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
            let label = |label: &str| derived.label(label);
            let indexes = &derived.mandatory_indexes;
            let statements = Statements::of_disclosure(document, label, indexes, contexts)?;
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

fn base_statements(
    document: &Map<String, Value>,
    hmac_key: &[u8; 32],
    mandatory: &[String],
    contexts: &Contexts,
) -> Result<Statements, FormatError> {
    Statements::of_base(labelled(document, coded(hmac_key), contexts)?, mandatory, contexts)
}

/// Each label is the code of the canonical one.
fn coded(
    hmac_key: &[u8; 32],
) -> impl FnOnce(HashMap<String, String>) -> HashMap<String, String> + '_ {
    |canonical| {
        let coded = canonical.into_iter();
        coded.map(|(name, label)| (name, hmac_label(hmac_key, &label))).collect()
    }
}

/// What the issuer signs.
fn base_message(
    document: &Map<String, Value>,
    options: &Map<String, Value>,
    (public_key, statements): (&[u8], &Statements),
    contexts: &Contexts,
) -> Result<Vec<u8>, FormatError> {
    let options = options_digest(document, options, contexts)?;
    Ok([&options[..], public_key, &statements.mandatory_digest()].concat())
}

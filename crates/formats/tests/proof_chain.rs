//! Proofs that build on others (`previousProof`), as the W3C made them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use formats::FormatError;
use formats::data_integrity::{Contexts, Proof, Proofs};
use keys::did;
use serde_json::{Map, Value, json};

fn without_proof(document: &Value) -> Map<String, Value> {
    let mut document = document.as_object().unwrap().clone();
    document.remove("proof");
    document
}

/// A link of a chain is worth nothing without the proofs that it builds on, as they were.
#[test]
fn a_chain_is_kept_whole() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/data-integrity.json")).unwrap();
    let cases = vectors["cases"].as_object().unwrap();
    let is_chain = |case: &&Value| case["proof"][3].is_object();
    let case = cases.values().find(is_chain).unwrap();
    let mut contexts = Contexts::default();
    for (url, context) in vectors["contexts"].as_object().unwrap() {
        contexts = contexts.with(url, &context.to_string());
    }
    let verdict = |proofs: &Value, at: usize| {
        let proof = Proof::parse(case["proof"][at].as_object().unwrap()).unwrap();
        let key = did::resolve(proof.verification_method()).unwrap();
        let document = Proofs::parse(proofs)?.document_of(&proof, without_proof(case))?;
        proof.verify(document, &key, &contexts)
    };
    let all = &case["proof"];
    assert_eq!((verdict(all, 2), verdict(all, 3)), (Ok(()), Ok(())));
    let without = |at: usize| {
        let mut proofs = all.as_array().unwrap().clone();
        proofs.remove(at);
        Value::from(proofs)
    };
    assert_eq!(verdict(&without(0), 2), Err(FormatError::MissingProof));
    assert_eq!(verdict(&without(2), 3), Err(FormatError::MissingProof));
    let mut changed = all.clone();
    changed[0]["created"] = "2024-01-01T00:00:00Z".into();
    assert_eq!(verdict(&changed, 2), Err(FormatError::WrongSignature));
    for previous in [json!([]), json!(1), json!(["a", "a"]), json!([null])] {
        let mut proof = all[2].as_object().unwrap().clone();
        proof.insert("previousProof".to_owned(), previous);
        assert_eq!(Proof::parse(&proof).unwrap_err(), FormatError::Malformed);
    }
}

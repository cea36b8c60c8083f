//! DID documents: whose they are, and which key is for what (DID Core 1.0).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::{Duration, Instant};

use keys::algorithm::Algorithm;
use keys::did_document::Relationship::{AssertionMethod, Authentication};
use keys::did_document::{DidDocument, DidDocumentError, for_authentication};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Value, json};

const DID: &str = "did:web:holder.example";

fn key() -> PublicKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().clone()
}

fn method(name: &str, key: &PublicKey) -> Value {
    json!({ "id": name, "type": "JsonWebKey", "controller": DID, "publicKeyJwk": key.to_jwk() })
}

fn read(document: &Value) -> DidDocument {
    DidDocument::parse(document.to_string().as_bytes(), DID).unwrap()
}

#[test]
fn a_key_is_for_what_the_document_says() {
    let [one, two] = [key(), key()];
    let document = read(&json!({
        "id": DID,
        "verificationMethod": [method("#1", &one)],
        "authentication": ["#1"],
        "assertionMethod": [format!("{DID}#1"), method("#2", &two)],
    }));
    let named =
        |fragment: &str, relationship| document.key(&format!("{DID}#{fragment}"), relationship);
    assert_eq!(named("1", Authentication), Some(one.clone()));
    assert_eq!(named("1", AssertionMethod), Some(one.clone()));
    assert_eq!(named("2", AssertionMethod), Some(two.clone()));
    assert_eq!(named("2", Authentication), None);
    assert_eq!(named("3", AssertionMethod), None);
    assert_eq!(document.key("did:web:other.example#1", Authentication), None);
    assert_eq!(document.did(), DID);
}

/// What a document says of somebody else's key is nobody's word.
#[test]
fn a_key_is_that_of_the_subject() {
    let mut method = method("#1", &key());
    for controller in [json!("did:web:other.example"), json!([DID]), Value::Null] {
        method["controller"] = controller;
        let document = read(&json!({ "id": DID, "authentication": [method] }));
        assert_eq!(document.key(&format!("{DID}#1"), Authentication), None);
    }
}

#[test]
fn a_document_is_that_of_its_did() {
    let parse = |text: &str| DidDocument::parse(text.as_bytes(), DID).map(|_| ());
    assert_eq!(parse(r#"{"id":"did:web:holder.example"}"#), Ok(()));
    let other = Err(DidDocumentError::OtherSubject);
    assert_eq!(parse(r#"{"id":"did:web:other.example"}"#), other);
    assert_eq!(parse("{}"), other);
    assert_eq!(parse(r#"{"id":["did:web:holder.example"]}"#), other);
    for unreadable in ["", "[]", "null", r#"{"id":1,"id":"did:web:holder.example"}"#, "<html>"] {
        assert_eq!(parse(unreadable), Err(DidDocumentError::Unreadable), "{unreadable}");
    }
}

/// What others list without end is looked at only so far.
#[test]
fn a_document_is_read_up_to_a_bound() {
    let key = key();
    let mut names = vec![json!("#other"); 100];
    names.push(json!("#1"));
    let document = read(&json!({
        "id": DID, "verificationMethod": [method("#1", &key)], "authentication": names,
    }));
    assert_eq!(document.key(&format!("{DID}#1"), Authentication), None);
}

/// F05: keys that nobody asks for cost nothing, however often and long they are written.
#[test]
fn keys_are_decoded_when_they_are_asked_for() {
    let long = |at: usize| {
        let key = format!("z{}", "z".repeat(300 + at));
        json!({ "id": format!("#{at}"), "controller": DID, "publicKeyMultibase": key })
    };
    let methods: Vec<Value> = (0..100).map(long).collect();
    let text = json!({
        "id": DID, "authentication": methods, "assertionMethod": methods,
    });
    let longest = json!({
        "id": DID,
        "verificationMethod": [json!({
            "id": "#1", "controller": DID, "publicKeyMultibase": format!("z{}", "z".repeat(4000)),
        })],
        "authentication": vec!["#1"; 100],
        "assertionMethod": vec!["#1"; 100],
    });
    let begun = Instant::now();
    let documents = [read(&text), read(&longest)];
    for document in &documents {
        assert_eq!(document.key(&format!("{DID}#1"), Authentication), None);
    }
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

/// Of two under one name the first counts, even where it is of no use.
#[test]
fn of_one_name_the_first_counts() {
    let [one, two] = [key(), key()];
    let of_another = json!({ "id": "#2", "controller": "did:web:other.example" });
    let document = read(&json!({
        "id": DID,
        "authentication": [
            "#3", method("#1", &one), method("#1", &two), of_another, method("#2", &two),
        ],
    }));
    let named = |fragment: &str| document.key(&format!("{DID}#{fragment}"), Authentication);
    assert_eq!((named("1"), named("2"), named("3")), (Some(one), None, None));
}

/// What a holder publishes says that the keys are theirs, and nothing more.
#[test]
fn what_is_written_is_read() {
    let keys = [("a".to_owned(), key()), ("-_".to_owned(), key())];
    let document = read(&for_authentication(DID, &keys));
    for (name, key) in keys {
        let url = format!("{DID}#{name}");
        assert_eq!(document.key(&url, Authentication), Some(key.clone()));
        assert_eq!(document.key(&url, AssertionMethod), None);
    }
}

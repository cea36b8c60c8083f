//! Credentials with a proof inside, `ldp_vc`: issued, received, and those that the W3C made.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use formats::data_integrity::{Canonicalization, Cryptosuite, ProofOptions, sign};
use formats::ldp_vc;
use formats::verified::{Format, Verified};
use formats::w3c::W3cClaims;
use formats::{FormatError, parse, parse_raw};
use keys::algorithm::Algorithm;
use keys::digest::sha256;
use keys::multibase::encode_base58;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

mod hostile;
mod status;
mod vectors;

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);
const ISSUER: &str = "did:web:issuer.example";
const KID: &str = "did:web:issuer.example#key-1";
const V1: &str = "https://www.w3.org/2018/credentials/v1";
const V2: &str = "https://www.w3.org/ns/credentials/v2";
const BOTH: [Canonicalization; 2] = [Canonicalization::Jcs, Canonicalization::Rdfc];

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn key(algorithm: Algorithm) -> SoftwareKey {
    SoftwareKey::generate(algorithm).unwrap()
}

fn claims(claims: Value, contexts: &[Value]) -> W3cClaims<'_> {
    W3cClaims {
        id: None,
        name: None,
        issuer: ISSUER,
        contexts,
        types: &[],
        subject: Some("did:example:1"),
        claims: object(claims),
        issued_at: NOW,
        expires_at: END,
        status: None,
    }
}

fn options(canonicalization: Canonicalization) -> ProofOptions<'static> {
    ProofOptions { verification_method: KID, canonicalization, created: NOW, contexts: None }
}

fn verify(credential: &Value, key: &SoftwareKey) -> Result<Verified, FormatError> {
    parse("ldp_vc", credential)?.verify(key.public_key(), NOW)
}

fn without_proof(document: &Value) -> Map<String, Value> {
    let mut document = document.as_object().unwrap().clone();
    document.remove("proof");
    document
}

/// A good document, to be spoilt, and its proof made anew.
async fn signed(document: Value, canonicalization: Canonicalization, key: &SoftwareKey) -> Value {
    sign(object(document), options(canonicalization), key).await.unwrap().into()
}

fn document() -> Value {
    json!({
        "@context": [V2, { "@vocab": "https://issuer.example/degree#" }],
        "type": ["VerifiableCredential", "Degree"], "issuer": ISSUER,
        "validFrom": NOW.to_rfc3339(), "validUntil": END.to_rfc3339(),
        "credentialSubject": {
            "id": "did:example:1", "name": "Ada", "grade": 1.7, "honours": true, "year": 2026,
            "degree": { "type": "Bachelor", "field": "Mathematics" },
            "modules": [{ "code": "A" }, { "code": "B" }],
        },
    })
}

/// FMT-LDP-01, FMT-LDP-05: an object with a proof, by each key in each canonical form.
#[tokio::test]
async fn what_is_issued_verifies() {
    let vocabulary = [json!({ "@vocab": "https://issuer.example/degree#" })];
    let said = json!({ "name": "Ada", "degree": { "grade": 1.7 } });
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        for canonicalization in BOTH {
            let key = key(algorithm);
            let claims = claims(said.clone(), &vocabulary);
            let issued = ldp_vc::issue(claims, options(canonicalization), &key).await.unwrap();
            let suite = Cryptosuite::of(algorithm, canonicalization).unwrap().name();
            assert_eq!(issued["proof"]["cryptosuite"], suite);
            let unverified = parse("ldp_vc", &issued).unwrap();
            let reference = unverified.key_reference();
            assert_eq!(
                (reference.kid.as_deref(), reference.iss.as_deref()),
                (Some(KID), Some(ISSUER))
            );
            let verified = unverified.verify(key.public_key(), NOW).unwrap();
            assert_eq!((verified.format, verified.claims), (Format::LdpVc, object(said.clone())));
            assert_eq!((verified.not_before, verified.expires_at), (Some(NOW), Some(END)));
            assert_eq!(serde_json::from_str::<Value>(&verified.raw).unwrap(), issued);
            let again = parse_raw("ldp_vc", &verified.raw).unwrap();
            assert_eq!(again.status(), Ok(None));
            assert!(again.verify(key.public_key(), NOW).is_ok(), "as it is kept");
        }
    }
}

#[tokio::test]
async fn times_count() {
    let key = key(Algorithm::Es256);
    let at = async |change: fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        verify(&signed(document, Canonicalization::Jcs, &key).await, &key).err()
    };
    assert_eq!(at(|_| {}).await, None);
    let end = |document: &mut Value| document["validUntil"] = NOW.minus(61).to_rfc3339().into();
    assert_eq!(at(end).await, Some(FormatError::Expired));
    let begin = |document: &mut Value| document["validFrom"] = NOW.plus(61).to_rfc3339().into();
    assert_eq!(at(begin).await, Some(FormatError::NotYetValid));
    assert_eq!(
        at(|document| document["validUntil"] = json!(5)).await,
        Some(FormatError::Malformed)
    );
    // The names of version 1.1 mean nothing in 2.0, and the other way round.
    let old = |document: &mut Value| {
        document["@context"][0] = V1.into();
        document["issuanceDate"] = NOW.to_rfc3339().into();
        document["expirationDate"] = NOW.minus(61).to_rfc3339().into();
    };
    assert_eq!(at(old).await, Some(FormatError::Expired));
    assert_eq!(
        at(|document| document["@context"] = json!([])).await,
        Some(FormatError::OtherDataModel)
    );
}

/// The end of a proof is the end of what it is for.
#[tokio::test]
async fn what_outlives_its_proof_ends_with_it() {
    let key = key(Algorithm::Es256);
    let end = NOW.plus(60);
    let mut document = object(document());
    let mut proof = object(json!({
        "type": "DataIntegrityProof", "cryptosuite": "ecdsa-jcs-2019", "verificationMethod": KID,
        "proofPurpose": "assertionMethod", "expires": end.to_rfc3339(),
    }));
    // Without fractions and other scripts, JSON in order is its canonical form.
    document["credentialSubject"].as_object_mut().unwrap().remove("grade");
    let canonical =
        |object: &Map<String, Value>| sha256(Value::from(object.clone()).to_string().as_bytes());
    let message = [canonical(&proof), canonical(&document)].concat();
    let signature = key.sign(&message).await.unwrap();
    proof.insert("proofValue".to_owned(), encode_base58(&signature).into());
    document.insert("proof".to_owned(), proof.into());
    let credential = Value::from(document);
    assert_eq!(verify(&credential, &key).unwrap().expires_at, Some(end));
    let later = |now| parse("ldp_vc", &credential)?.verify(key.public_key(), now);
    assert_eq!(later(end.plus(61)).unwrap_err(), FormatError::ProofExpired);
}

/// VC Data Integrity §2.1: nobody signs tomorrow; clocks differ by a minute.
#[tokio::test]
async fn a_proof_of_the_future_is_refused() {
    let key = key(Algorithm::Es256);
    for canonicalization in BOTH {
        let made = async |created: Timestamp| {
            let options = ProofOptions { created, ..options(canonicalization) };
            let signed = ldp_vc::sign(object(document()), options, &key).await.unwrap();
            verify(&signed, &key).err()
        };
        assert_eq!(made(NOW.plus(60)).await, None);
        assert_eq!(made(NOW.plus(61)).await, Some(FormatError::ProofInFuture));
        assert_eq!(made(END.plus(61)).await, Some(FormatError::ProofInFuture));
    }
}

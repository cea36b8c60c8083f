//! What others have published, and what another library made.

use formats::FormatError;
use formats::data_integrity::{Canonicalization, Contexts, Proof, ProofOptions, Proofs, sign};
use formats::ldp_vc::LdpVc;
use keys::algorithm::Algorithm;
use keys::did;
use keys::digest::sha256;
use keys::multibase::decode_base58;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value};

use super::{NOW, without_proof};

/// W3C vectors of vc-di-eddsa and vc-di-ecdsa: each proof verifies, and nothing else does. What is
/// skipped is refused, by name.
#[test]
fn vectors_of_the_w3c() {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/data-integrity.json")).unwrap();
    let mut contexts = Contexts::default();
    for (url, context) in vectors["contexts"].as_object().unwrap() {
        contexts = contexts.with(url, &context.to_string());
    }
    let mut passed = 0;
    for (name, case) in vectors["cases"].as_object().unwrap() {
        let proofs = Proofs::parse(&case["proof"]).unwrap();
        for proof in proofs.iter() {
            let document = Proof::parse(proof)
                .and_then(|proof| proofs.document_of(&proof, without_proof(case)))
                .unwrap();
            check_vector(name, &document, proof, &contexts);
            passed += 1;
        }
    }
    assert_eq!(passed, 19);
}

fn check_vector(
    name: &str,
    document: &Map<String, Value>,
    proof: &Map<String, Value>,
    contexts: &Contexts,
) {
    let key = did::resolve(proof["verificationMethod"].as_str().unwrap()).unwrap();
    let verdict = |document: &Map<String, Value>, proof: &Map<String, Value>, key: &PublicKey| {
        Proof::parse(proof).and_then(|proof| proof.verify(document.clone(), key, contexts))
    };
    assert_eq!(verdict(document, proof, &key), Ok(()), "{name}");
    let wrong = Err(FormatError::WrongSignature);
    let mut changed = document.clone();
    changed.insert("validFrom".to_owned(), "2024-01-01T00:00:00Z".into());
    assert_eq!(verdict(&changed, proof, &key), wrong, "{name}: a claim");
    let mut later = proof.clone();
    later.insert("created".to_owned(), "2024-01-01T00:00:00Z".into());
    assert_eq!(verdict(document, &later, &key), wrong, "{name}: the proof");
    let mut more = proof.clone();
    more.insert("domain".to_owned(), "example.org".into());
    assert!(verdict(document, &more, &key).is_err(), "{name}: something added");
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let other = SoftwareKey::generate(algorithm).unwrap();
        assert_eq!(verdict(document, proof, other.public_key()), wrong, "{name}: {algorithm}");
    }
}

/// What another library makes, with values that are easily written in another way: numbers, escapes,
/// nested things without names, lists, typed values; of both versions of the data model.
#[test]
fn credentials_of_another_library_verify() {
    let made: Value = serde_json::from_str(include_str!("../vectors/digitalbazaar.json")).unwrap();
    for (name, credential) in made.as_object().unwrap() {
        let read = LdpVc::parse(credential).unwrap();
        let key = did::resolve(&read.key_reference().kid.unwrap()).unwrap();
        let verdict = read.verify(&key, NOW).map(|verified| Value::Object(verified.claims));
        let mut said = credential["credentialSubject"].clone();
        said.as_object_mut().unwrap().remove("id");
        assert_eq!(verdict, Ok(said), "{name}");
    }
    assert_eq!(made.as_object().unwrap().len(), 12);
}

/// Ed25519 gives one signature: ours is that of the W3C, so each step before it is theirs.
#[tokio::test]
async fn our_proof_is_that_of_the_w3c() {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/data-integrity.json")).unwrap();
    let secret = vectors["keys"]["ed25519"]["privateKeyMultibase"].as_str().unwrap();
    let seed = decode_base58(secret).unwrap()[2..].to_vec();
    let start = [0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
    let key = SoftwareKey::from_pkcs8(&[&start[..], &seed].concat()).unwrap();
    let case = &vectors["cases"]["eddsa-jcs-2022"];
    let proof = &case["proof"];
    let options = ProofOptions {
        verification_method: proof["verificationMethod"].as_str().unwrap(),
        canonicalization: Canonicalization::Jcs,
        created: Timestamp::from_rfc3339(proof["created"].as_str().unwrap()).unwrap(),
        contexts: None,
    };
    let made = sign(without_proof(case), options, &key).await.unwrap();
    assert_eq!(Value::Object(made), *case);
}

/// The contexts are the published ones.
#[test]
fn bundled_contexts_are_as_they_were_taken() {
    for (text, digest) in [
        (
            include_str!("../../contexts/credentials-v1.jsonld"),
            "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
        ),
        (
            include_str!("../../contexts/credentials-v2.jsonld"),
            "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
        ),
        (
            include_str!("../../contexts/data-integrity-v2.jsonld"),
            "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
        ),
        (
            include_str!("../../contexts/data-integrity-v1.jsonld"),
            "b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554",
        ),
        (
            include_str!("../../contexts/status-list-2021-v1.jsonld"),
            "634d71c159289f068c96012e4511c657fdf82ac4231900081bda3ba24e2e1160",
        ),
        (
            include_str!("../../contexts/status-v1.jsonld"),
            "fd08cbf28ddd829ab2f1978c48f43ab07a112c1c90245a0cfac7ba721c65170c",
        ),
        (
            include_str!("../../contexts/multikey-v1.jsonld"),
            "c5f3806f8286920573221938917988a18a4cc5a09e968d29649613c7a1c2b1f6",
        ),
        (
            include_str!("../../contexts/open-badges-3.0.0.jsonld"),
            "9f1c8f9f361ba2994b9b50701f41149919542c50c7b7455b2846d87959295d72",
        ),
        (
            include_str!("../../contexts/open-badges-3.0.1.jsonld"),
            "af095468326d3449160509b26ca71576e6321d13c85b0369cfe3b654c9a48fba",
        ),
        (
            include_str!("../../contexts/open-badges-3.0.2.jsonld"),
            "00666ad080ba407687ed1846b7f5e7495f5019042b202a727de47c48a1755c53",
        ),
        (
            include_str!("../../contexts/open-badges-3.0.3.jsonld"),
            "ef2fa9c7846dce233cc166b43639027278be4ee44f00bb1d45c75de2dd0cd761",
        ),
        (
            include_str!("../../contexts/open-badges-extensions.jsonld"),
            "2d013f981d1f4516081a6a04e55468ba2b071d4153b794f19a79715c45a89a5e",
        ),
    ] {
        let found = sha256(text.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(found, digest);
    }
}

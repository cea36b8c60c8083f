//! VCI §D.1 and VCI §F.3 over the router: types that take attested keys, or nothing else.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use issuer::Issuer;
use issuer::credential_type::{CredentialType, KeyAttestations};
use keys::outside::{Clock as _, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::{KeyAttestationsRequired, NewKeyAttestation};
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::sender::Instance;
use testkit::world::World;

const CARD: &str = "student_card";
const HIGH: &str = "iso_18045_high";

/// An issuer whose card is for keys that this provider attests.
async fn world(instance: &Instance, required: Option<&[&str]>, is_proof_type: bool) -> World {
    let required = required.map(|levels| KeyAttestationsRequired {
        key_storage: levels.iter().map(|level| (*level).to_owned()).collect(),
        user_authentication: Vec::new(),
    });
    let attesters = instance.attesters();
    let change = |issuer: &mut Issuer| {
        let card = issuer.types.get_mut(CARD).unwrap().key_binding.as_mut().unwrap();
        card.key_attestations = Some(KeyAttestations { attesters, required, is_proof_type });
    };
    World::with(change).await
}

/// An attestation of these keys with a fresh nonce.
async fn attest(world: &World, by: &SoftwareKey, keys: &[&SoftwareKey], level: &str) -> String {
    let public: Vec<_> = keys.iter().map(|key| key.public_key().clone()).collect();
    let nonce = world.nonce().await;
    let now = world.clock.now();
    let attestation = NewKeyAttestation {
        keys: &public,
        key_storage: &[level],
        user_authentication: &[],
        nonce: Some(&nonce),
        now,
        expires_at: Timestamp(now.0 + 60),
    };
    attestation.sign(by, None).await.unwrap()
}

fn by_attestation(jwt: &str) -> Value {
    json!({ "credential_configuration_id": CARD, "proofs": { "attestation": [jwt] } })
}

/// KEYATT-03, KEYATT-04, META-37, META-38: what a type demands stands in its metadata, for each proof
/// type.
#[tokio::test]
async fn what_a_type_demands_is_announced() {
    let types = async |world: &World| {
        let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
        metadata["credential_configurations_supported"][CARD]["proof_types_supported"].clone()
    };
    let algorithms = json!({ "proof_signing_alg_values_supported": ["ES256", "EdDSA"] });
    assert_eq!(types(&World::new().await).await, json!({ "jwt": algorithms }));
    let instance = Instance::default();
    let taken = types(&world(&instance, None, true).await).await;
    assert_eq!(taken, json!({ "jwt": algorithms, "attestation": algorithms }));
    let demanded = types(&world(&instance, Some(&[HIGH]), false).await).await;
    let levels = json!({ "key_storage": [HIGH] });
    assert_eq!(demanded["jwt"]["key_attestations_required"], levels);
    assert!(demanded.get("attestation").is_none(), "PROOF-03");
    let any = types(&world(&instance, Some(&[]), true).await).await;
    assert_eq!(any["attestation"]["key_attestations_required"], json!({}), "any level");
}

/// KEYATT-03, SEC-20, PROOF-10, KEYATT-10: a proof of one of the attested keys, with the
/// attestation in its header.
#[tokio::test]
async fn a_proof_brings_its_attestation() {
    let instance = Instance::default();
    let world = world(&instance, Some(&[HIGH]), false).await;
    let (key, other, stranger) = (holder_key(), holder_key(), holder_key());
    let token = world.token(CARD).await;
    let plain = [world.proof(&key).await];
    assert!(world.credential(&token, CARD, &plain).await.is(400, "invalid_proof"), "META-37");
    let cases = [
        ("KEYATT-10: another key", attest(&world, &instance.provider, &[&other], HIGH).await),
        ("META-38: a low level", attest(&world, &instance.provider, &[&key], "x").await),
        ("D13: by nobody we trust", attest(&world, &stranger, &[&key], HIGH).await),
    ];
    for (rule, jwt) in cases {
        let mut draft = world.draft(&key, &world.nonce().await);
        draft.header("key_attestation", json!(jwt));
        let proofs = [draft.sign(&key).await];
        let answer = world.credential(&token, CARD, &proofs).await;
        assert!(answer.is(400, "invalid_proof"), "{rule}: {answer:?}");
    }
    let jwt = attest(&world, &instance.provider, &[&other, &key], HIGH).await;
    assert!(
        world.credential_request(&token, &by_attestation(&jwt)).await.is(400, "invalid_proof"),
        "it is no proof by itself here"
    );
    let mut draft = world.draft(&key, &world.nonce().await);
    draft.header("key_attestation", json!(jwt));
    let proofs = [draft.sign(&key).await];
    let answer = world.credential_request(&token, &request(CARD, &proofs)).await.success();
    assert_eq!(
        answer["credentials"].as_array().unwrap().len(),
        2,
        "PROOF-18: for each attested key"
    );
}

/// PROOF-03, PROOF-18, VCI §F.3: an attestation alone, a credential for each key in it, once.
#[tokio::test]
async fn an_attestation_is_a_proof_where_a_type_takes_it() {
    let instance = Instance::default();
    let world = world(&instance, Some(&[]), true).await;
    let (one, two) = (holder_key(), holder_key());
    let token = world.token(CARD).await;
    let foreign = attest(&world, &holder_key(), &[&one], HIGH).await;
    let refused = world.credential_request(&token, &by_attestation(&foreign)).await;
    assert!(refused.is(400, "invalid_proof"), "D13");
    let jwt = attest(&world, &instance.provider, &[&one, &two], HIGH).await;
    let answer = world.credential_request(&token, &by_attestation(&jwt)).await.success();
    assert_eq!(answer["credentials"].as_array().unwrap().len(), 2);
    let again = world.credential_request(&token, &by_attestation(&jwt)).await;
    assert!(again.is(400, "invalid_nonce"), "its nonce is spent");
}

/// D13, X39: the file of a type names whom it trusts; a promise that nobody can keep is refused.
#[test]
fn a_type_names_who_may_attest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("card.toml");
    let provider = holder_key();
    let jwk = Value::Object(provider.public_key().to_jwk());
    fs::write(folder.path().join("makers.json"), json!({ "keys": [jwk] }).to_string()).unwrap();
    fs::write(folder.path().join("junk.pem"), "junk").unwrap();
    let parse = |more: &str| {
        let head = "format = \"dc+sd-jwt\"\nvalidity_days = 1\n";
        let display = "[[display]]\nname = \"Card\"\nlocale = \"en\"\n";
        CredentialType::parse(&file, &format!("{head}{more}\n{display}"), "https://i.example")
    };
    let none = parse("").unwrap().key_binding.unwrap();
    assert!(none.key_attestations.is_none());
    let named = parse(
        "key_attestation_trust_anchors = [\"makers.json\"]\nattestation_proofs = true\n\
         key_attestations_required = { key_storage = [\"iso_18045_high\"] }",
    );
    let named = named.unwrap().key_binding.unwrap().key_attestations.unwrap();
    assert_eq!((named.attesters.keys.len(), named.is_proof_type), (1, true));
    assert_eq!(named.required.unwrap().key_storage, [HIGH]);
    let level = |level: &str| {
        let required = format!("{{ user_authentication = [\"iso_18045_basic\", \"{level}\"] }}");
        parse(&format!(
            "key_attestation_trust_anchors = [\"makers.json\"]\n\
             key_attestations_required = {required}"
        ))
    };
    for good in ["iso_18045_enhanced-basic", "https://levels.example/a", "example.org:a"] {
        assert!(level(good).is_ok(), "KEYATT-12, KEYATT-13: {good}");
    }
    for bad in ["iso_18045_hihg", "ISO_18045_high", "", "https://levels example"] {
        let error = level(bad).unwrap_err().to_string();
        assert!(error.contains("iso_18045_enhanced-basic"), "KEYATT-12: {bad}: {error}");
    }
    let mistakes = [
        ("attestation_proofs = true", "nobody is trusted"),
        ("key_attestations_required = {}", "nobody is trusted"),
        ("key_attestation_trust_anchors = [\"gone.pem\"]", "cannot be read"),
        ("key_attestation_trust_anchors = [\"junk.pem\"]", "nobody who could be trusted"),
        (
            "key_binding = false\nkey_attestation_trust_anchors = [\"makers.json\"]",
            "bound to a key",
        ),
    ];
    for (text, expected) in mistakes {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

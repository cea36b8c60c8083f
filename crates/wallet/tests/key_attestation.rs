//! VCI §D: an issuer that wants the wallet's keys attested, and who attests them.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keys::algorithm::Algorithm;
use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::SoftwareKey;
use oid4vci::attestation::key::{KeyAttestationRefusal, NewKeyAttestation, WantedKeyAttestation};
use serde_json::{Value, json};
use wallet::attestation::{AttestationError, KeyAttestationError, KeyAttestationSource};
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use world::{Answer, ISSUER, ISSUER_METADATA, NOW, World, endpoint, issuer_metadata, offer};

const HIGH: &str = "iso_18045_high";

/// What a maker says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Says {
    #[default]
    AsAsked,
    Level(&'static str),
    AnotherNonce,
    AnotherKey,
    Old,
    Nothing,
}

#[derive(Debug)]
struct Maker {
    key: SoftwareKey,
    says: Mutex<Says>,
    asked: Mutex<usize>,
}

#[async_trait]
impl KeyAttestationSource for Maker {
    async fn key_attestation(
        &self,
        wanted: WantedKeyAttestation<'_>,
    ) -> Result<String, AttestationError> {
        *self.asked.lock().unwrap() += 1;
        let says = *self.says.lock().unwrap();
        assert_eq!(wanted.credential_issuer, ISSUER);
        if says == Says::Nothing {
            return Err(AttestationError::Unavailable);
        }
        let mut keys = wanted.keys.to_vec();
        if says == Says::AnotherKey {
            let other = SoftwareKey::generate(Algorithm::Es256).unwrap();
            keys.push(keys::signer::Signer::public_key(&other).clone());
        }
        let level = if let Says::Level(level) = says { level } else { HIGH };
        let attestation = NewKeyAttestation {
            keys: &keys,
            key_storage: &[level],
            user_authentication: &[],
            nonce: if says == Says::AnotherNonce { Some("x") } else { wanted.nonce },
            now: NOW,
            expires_at: Timestamp(if says == Says::Old { NOW.0 } else { NOW.0 + 60 }),
        };
        Ok(attestation.sign(&self.key, None).await.unwrap())
    }
}

fn proof_types(types: Value) -> Value {
    let mut metadata = issuer_metadata();
    metadata["batch_credential_issuance"] = json!({ "batch_size": 5 });
    let configurations = &mut metadata["credential_configurations_supported"];
    configurations["student_card"]["proof_types_supported"] = types;
    metadata
}

fn in_header() -> Value {
    json!({ "jwt": {
        "proof_signing_alg_values_supported": ["ES256"],
        "key_attestations_required": { "key_storage": [HIGH] },
    } })
}

fn alone() -> Value {
    json!({ "attestation": {
        "proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": {},
    } })
}

/// An issuer that binds cards to attested keys, and issues one for each.
fn world(types: Value) -> (World, Arc<Maker>) {
    let mut world = World::new();
    world.network.says(ISSUER_METADATA, 200, proof_types(types));
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let maker = Arc::new(Maker { key, says: Mutex::default(), asked: Mutex::default() });
    world.wallet.settings.key_attestation_source = Some(maker.clone());
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint("credential"), move |sent| {
        let keys = attested_keys(&attestation(&sent.json()));
        let card = |jwk: &Value| {
            json!({ "credential": issuer.student_card(&json!({ "jwk": jwk }), |_, _| {}) })
        };
        Answer::Json(200, json!({ "credentials": keys.iter().map(card).collect::<Vec<_>>() }))
    });
    (world, maker)
}

/// The attestation of a request, wherever it stands in it.
fn attestation(request: &Value) -> Jws {
    let proofs = request["proofs"].as_object().unwrap();
    assert_eq!(proofs.len(), 1, "CRED-08");
    if let Some(alone) = proofs.get("attestation") {
        let [jwt] = &alone.as_array().unwrap()[..] else { unreachable!("PROOF-03: {alone}") };
        return Jws::parse(jwt.as_str().unwrap(), 64 * 1024).unwrap();
    }
    let [jwt] = &proofs["jwt"].as_array().unwrap()[..] else { unreachable!("{request}") };
    let proof = Jws::parse(jwt.as_str().unwrap(), 64 * 1024).unwrap();
    let signer = PublicKey::from_jwk(&proof.header()["jwk"]).unwrap();
    proof.verify(&signer).unwrap();
    let jwt = proof.header()["key_attestation"].as_str().unwrap();
    let attestation = Jws::parse(jwt, 64 * 1024).unwrap();
    let keys = attested_keys(&attestation);
    assert_eq!(keys[0], proof.header()["jwk"], "KEYATT-10: one of them has signed");
    attestation
}

fn attested_keys(attestation: &Jws) -> Vec<Value> {
    attestation.claims().unwrap()["attested_keys"].as_array().unwrap().clone()
}

fn copies(copies: usize) -> KeyWish {
    KeyWish { copies, ..KeyWish::default() }
}

/// HAIP-31, KEYATT-02, KEYATT-05, KEYATT-08, KEYATT-10, KEYATT-11, PROOF-10, PROOF-18: one proof with one
/// attestation for all keys, one credential for each.
#[tokio::test]
async fn keys_are_attested_where_the_issuer_wants_it() {
    for (types, has_proof) in [(in_header(), true), (alone(), false)] {
        let (world, _) = world(types);
        let received = world.receive("student_card", &copies(3)).await.unwrap();
        let kept = world.wallet.keep(&received).await.unwrap();
        assert_eq!((kept.len(), kept[0].copies.len()), (1, 2));
        let request = world.network.sent_to(&endpoint("credential")).remove(0).json();
        assert_eq!(request["proofs"].get("jwt").is_some(), has_proof);
        let attestation = attestation(&request);
        assert_eq!(attestation.header()["typ"], "key-attestation+jwt");
        let claims = attestation.claims().unwrap();
        assert_eq!(claims["nonce"], "nonce-1");
        assert_eq!(claims["attested_keys"].as_array().unwrap().len(), 3);
        assert!(claims.contains_key("exp") && claims.contains_key("iat"));
    }
}

/// META-37: known before the code is sent; and what one credential of an offer wants is not put off
/// to the moment in which the others are there.
#[tokio::test]
async fn an_offer_that_wants_attested_keys_is_refused_by_a_wallet_without() {
    for types in [in_header(), alone()] {
        let (mut world, _) = world(types);
        world.wallet.settings.key_attestation_source = None;
        let error = world.resolve(&offer(&["student_card"])).await.unwrap_err();
        assert_eq!(error, KeyAttestationError::Needed.into());
        assert_eq!((error.class(), error.code()), (Class::Usage, "key_attestation_needed"));
        assert!(world.network.sent_to(&endpoint("token")).is_empty());
        world.resolve(&offer(&["diploma"])).await.unwrap();
    }
}

/// KEYATT-14: an attestation that the issuer would refuse is not sent; the token stays good.
#[tokio::test]
async fn an_attestation_that_would_be_refused_is_not_sent() {
    use KeyAttestationRefusal as Refused;
    let rows = [
        (Says::Level("x"), Refused::KeyStorage),
        (Says::AnotherNonce, Refused::BadNonce),
        (Says::AnotherKey, Refused::OtherKey),
        (Says::Old, Refused::Expired),
    ];
    let (world, maker) = world(in_header());
    let authorized = world.authorize(&["student_card"]).await;
    for (says, refusal) in rows {
        *maker.says.lock().unwrap() = says;
        let error = world.wallet.request_credentials(&authorized, &copies(1)).await.unwrap_err();
        assert_eq!(error, KeyAttestationError::Unfit(refusal).into());
        assert_eq!(error.class(), Class::OwnFault);
    }
    *maker.says.lock().unwrap() = Says::Nothing;
    let error = world.wallet.request_credentials(&authorized, &copies(1)).await.unwrap_err();
    assert_eq!(error, WalletError::Attestation(AttestationError::Unavailable));
    assert!(world.network.sent_to(&endpoint("credential")).is_empty());
    assert_eq!(world.stored_keys(), 0, "keys that became nothing are forgotten");
    *maker.says.lock().unwrap() = Says::AsAsked;
    let received = world.wallet.request_credentials(&authorized, &copies(1)).await.unwrap();
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
}

/// CRED-59, KEYATT-11: a nonce that died takes its attestation with it.
#[tokio::test]
async fn a_fresh_nonce_means_a_fresh_attestation() {
    let (world, maker) = world(alone());
    world.answers_credential(400, json!({ "error": "invalid_nonce" }));
    let error = world.receive("student_card", &copies(1)).await.unwrap_err();
    assert_eq!(error.code(), "invalid_nonce");
    assert_eq!(
        world.network.sent_to(&endpoint("credential")).len(),
        2,
        "once more, and no further"
    );
    assert_eq!(world.network.sent_to(&endpoint("nonce")).len(), 2);
    assert_eq!(*maker.asked.lock().unwrap(), 2);
}

/// VCI §F.1: where both are taken the wallet proves its key; where neither is demanded nobody is
/// asked to attest anything.
#[tokio::test]
async fn nobody_is_asked_for_what_is_not_wanted() {
    let jwt = json!({ "proof_signing_alg_values_supported": ["ES256"] });
    let (world, maker) = world(json!({ "jwt": jwt, "attestation": jwt }));
    world.issues(|issuer, proof| issuer.student_card(&proof.cnf(), |_, _| {}));
    world.receive("student_card", &copies(1)).await.unwrap();
    assert_eq!(*maker.asked.lock().unwrap(), 0);
    let request = world.network.sent_to(&endpoint("credential")).remove(0).json();
    let jwt = request["proofs"]["jwt"][0].as_str().unwrap().to_owned();
    let header = Jws::parse(&jwt, 16 * 1024).unwrap().header().clone();
    assert!(!header.contains_key("key_attestation"));
}

//! The modules in which the emulated wallet breaks a rule at the Credential Endpoint: status 400,
//! JSON in the clear, no member that nobody knows, and the code that the specification names.

use axum::http::Request;
use issuer::credential_type::KeyAttestations;
use keys::outside::{Clock as _, Timestamp};
use keys::signer::Signer as _;
use oid4vci::attestation::key::{KeyAttestationsRequired, NewKeyAttestation};
use oid4vci::encryption::ReceivedBody;
use serde_json::{Value, json};
use testkit::sender::Instance;
use testkit::wire::JSON;

use crate::emulated_wallet::{CARD, EmulatedWallet, TICKET, Token};
use crate::variant::Variant;

/// The variants in which the plans run these modules: a client that proves nothing, or all.
fn variants() -> impl Iterator<Item = Variant> {
    Variant::all().filter(|variant| !variant.deferred && variant.attested == variant.bound)
}

/// A signature with one bit changed.
pub(crate) fn spoil_signature(jwt: &str) -> String {
    let (rest, signature) = jwt.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{rest}.{first}{}", &signature[1..])
}

/// Sends a spoilt request, under a cover where the variant has one, and expects this code.
async fn assert_refused(wallet: &EmulatedWallet, token: &Token, body: Value, error: &str) {
    let variant = wallet.variant;
    let answer = if variant.encrypted {
        let encryption = wallet.encryption(false).await;
        let begun = encryption.begin(|algorithm| {
            keys::jwe::DecryptionKey::generate(keys::jwe::Curve::P256, algorithm)
        });
        let exchange = begun.unwrap();
        let sealed = exchange.seal(body).unwrap();
        let sealed = (sealed.media_type, sealed.bytes);
        let answer = wallet.send("credential", token, &[], sealed).await;
        assert!(exchange.open(ReceivedBody::Jwt(&answer.body)).is_err(), "CRED-64");
        answer
    } else {
        wallet.send("credential", token, &[], (JSON, body.to_string().into_bytes())).await
    };
    assert!(answer.is(400, error), "{variant:?}: {answer:?}");
}

/// After all of it the honest wallet still gets its credential.
async fn assert_unharmed(wallet: &EmulatedWallet, token: &Token) {
    let body = wallet.credential_request(token).await;
    wallet.verified(&wallet.issued(token, body).await);
}

/// CRED-58: a nonce that nobody gave.
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_invalid_nonce() {
    for variant in variants() {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        let mut draft = wallet.draft(&wallet.holder).await;
        draft.claim("nonce", json!("a-random-nonce-that-nobody-gave"));
        let mut body = EmulatedWallet::named(&token);
        body["proofs"] = json!({ "jwt": [draft.sign(&wallet.holder).await] });
        assert_refused(&wallet, &token, body, "invalid_nonce").await;
        assert_unharmed(&wallet, &token).await;
    }
}

/// CRED-57
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_invalid_jwt_proof_signature() {
    for variant in variants() {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        let proof = wallet.draft(&wallet.holder).await.sign(&wallet.holder).await;
        let mut body = EmulatedWallet::named(&token);
        body["proofs"] = json!({ "jwt": [spoil_signature(&proof)] });
        assert_refused(&wallet, &token, body, "invalid_proof").await;
        assert_unharmed(&wallet, &token).await;
    }
}

/// CRED-57, KEYATT-08: beside a proof, and as the proof itself.
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_invalid_key_attestation_signature() {
    let provider = Instance::default();
    let attesters = provider.attesters();
    let wallet = EmulatedWallet::with(Variant::HAIP, |issuer| {
        let card = issuer.types.get_mut(CARD).unwrap().key_binding.as_mut().unwrap();
        let required = Some(KeyAttestationsRequired {
            key_storage: vec!["iso_18045_high".to_owned()],
            user_authentication: Vec::new(),
        });
        card.key_attestations = Some(KeyAttestations { attesters, required, is_proof_type: true });
    })
    .await;
    let token = wallet.token().await;
    let attest = async || {
        let (nonce, now) = (wallet.world.nonce().await, wallet.world.clock.now());
        let attestation = NewKeyAttestation {
            keys: &[wallet.holder.public_key().clone()],
            key_storage: &["iso_18045_high"],
            user_authentication: &[],
            nonce: Some(&nonce),
            now,
            expires_at: Timestamp(now.0 + 60),
        };
        attestation.sign(&*provider.provider, None).await.unwrap()
    };
    let by_jwt = async |attestation: String| {
        let mut draft = wallet.draft(&wallet.holder).await;
        draft.header("key_attestation", json!(attestation));
        let mut body = EmulatedWallet::named(&token);
        body["proofs"] = json!({ "jwt": [draft.sign(&wallet.holder).await] });
        body
    };
    let alone = |attestation: String| {
        let mut body = EmulatedWallet::named(&token);
        body["proofs"] = json!({ "attestation": [attestation] });
        body
    };
    let spoilt = spoil_signature(&attest().await);
    assert_refused(&wallet, &token, by_jwt(spoilt).await, "invalid_proof").await;
    assert_refused(&wallet, &token, alone(spoil_signature(&attest().await)), "invalid_proof").await;
    for good in [by_jwt(attest().await).await, alone(attest().await)] {
        wallet.verified(&wallet.issued(&token, good).await);
    }
}

/// CRED-57: a type that is bound to a key, and no key.
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_missing_proof() {
    for variant in variants() {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        let mut bodies = vec![EmulatedWallet::named(&token); 3];
        bodies[1]["proofs"] = json!({});
        bodies[2]["proofs"] = json!({ "jwt": [] });
        for body in bodies {
            assert_refused(&wallet, &token, body, "invalid_proof").await;
        }
        assert_unharmed(&wallet, &token).await;
    }
}

/// CRED-60, AMB-23: `alg` of the key for the answer is none that was announced.
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_unsupported_encryption_algorithm() {
    for variant in variants().filter(|variant| variant.encrypted) {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        let metadata = wallet.metadata().await;
        let announced = &metadata["credential_request_encryption"]["jwks"]["keys"][0];
        let key = keys::jwe::EncryptionKey::from_jwk(announced).unwrap();
        let mut body = wallet.credential_request(&token).await;
        let mut jwk = announced.clone();
        jwk["alg"] = json!("UNSUPPORTED_ALG");
        body["credential_response_encryption"] = json!({ "jwk": jwk, "enc": "A256GCM" });
        let (header, enc) = (serde_json::Map::new(), keys::jwe::ContentEncryption::A256Gcm);
        let sealed =
            keys::jwe::encrypt(header, body.to_string().as_bytes(), &key, enc, None).unwrap();
        let sealed = ("application/jwt", sealed.into_bytes());
        let answer = wallet.send("credential", &token, &[], sealed).await;
        assert!(answer.is(400, "invalid_encryption_parameters"), "{variant:?}: {answer:?}");
        assert_unharmed(&wallet, &token).await;
    }
}

/// CRED-55
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_unknown_credential_configuration() {
    for variant in variants() {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        let mut body = wallet.credential_request(&token).await;
        body.as_object_mut().unwrap().remove("credential_identifier");
        body["credential_configuration_id"] = json!("a-configuration-that-nobody-knows");
        assert_refused(&wallet, &token, body, "unknown_credential_configuration").await;
        assert_unharmed(&wallet, &token).await;
    }
}

/// CRED-56
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_unknown_credential_identifier() {
    for variant in variants() {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        let mut body = wallet.credential_request(&token).await;
        body.as_object_mut().unwrap().remove("credential_configuration_id");
        body["credential_identifier"] = json!("an-identifier-that-nobody-knows");
        assert_refused(&wallet, &token, body, "unknown_credential_identifier").await;
        assert_unharmed(&wallet, &token).await;
    }
}

/// DEP-08: no token in the query, be it good or not.
#[tokio::test]
async fn oid4vci_1_0_issuer_fail_on_access_token_in_query() {
    for variant in [Variant::HAIP, Variant::PLAIN] {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        let body = wallet.credential_request(&token).await.to_string();
        let endpoint = wallet.world.issuer.endpoint("credential");
        let begun = Request::post(format!("{endpoint}?access_token={}", token.access_token));
        let answer = wallet.world.public.ask(begun.header("content-type", JSON), body).await;
        assert!(answer.is(400, "invalid_request"), "{answer:?}");
        assert_unharmed(&wallet, &token).await;
    }
}

/// CRED-07: known, and not what the token is for.
#[tokio::test]
async fn a_token_for_the_card_is_none_for_the_ticket() {
    let wallet = EmulatedWallet::of(Variant::PLAIN).await;
    let token = wallet.token().await;
    let body = json!({ "credential_configuration_id": TICKET }).to_string().into_bytes();
    let answer = wallet.send("credential", &token, &[], (JSON, body)).await;
    assert!(answer.is(403, "insufficient_scope"), "{answer:?}");
}

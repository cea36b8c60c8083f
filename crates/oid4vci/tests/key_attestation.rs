//! VCI §D.1 as tables: key attestations that hold, and all that do not.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod attester;
mod holder;
mod jose;
mod prover;
#[macro_use]
mod refusals;

use attester::Attester;
use holder::{Keys, prove, verify_with};
use jose::{jwt, merged};
use keys::outside::SystemRandom;
use keys::signer::Signer as _;
use keys::x509::x5c_to_json;
use oid4vci::attestation::Attesters;
use oid4vci::attestation::key::KeyAttestationRefusal::{
    self, AlgorithmNotSupported, BadKey, BadLevels, BadNonce, CriticalHeader, Expired, KeyStorage,
    NoExpiry, NoKeys, NoNonce, NoTime, NotYetValid, PrivateKey, TooManyKeys, UnknownStatus,
    Unreadable, Untrusted, UserAuthentication, WrongSignature, WrongType,
};
use oid4vci::attestation::key::{KeyAttestationPolicy, KeyAttestationsRequired};
use oid4vci::error::{ErrorCode, Refusal as _};
use oid4vci::nonce::NonceResponse;
use oid4vci::proof::{ProofRefusal, Proofs};
use prover::{NOW, nonce_key};
use refusals::check_texts;
use serde_json::{Value, json};

/// What becomes of a request with an attestation, in both ways to use it.
async fn verdicts(
    keys: &Keys,
    attestation: &str,
    required: Option<&KeyAttestationsRequired>,
) -> [Result<(), ProofRefusal>; 2] {
    let attesters = keys.attester.by_anchor();
    let policy =
        KeyAttestationPolicy { attesters: Some(&attesters), required, is_proof_type: true };
    let inside = json!({ "key_attestation": attestation });
    let proof = prove(keys.held.first().unwrap(), &inside).await;
    let alone = Proofs::Attestation(attestation.to_owned());
    [Proofs::Jwt(vec![proof]), alone].map(|proofs| verify_with(&proofs, policy).map(|_| ()))
}

/// A status in this entry of a list (TSL §6.2).
fn listed(idx: u64) -> Value {
    json!({ "status_list": { "idx": idx, "uri": "https://provider.example/list" } })
}

/// KEYATT-05, KEYATT-07, KEYATT-08, KEYATT-09, KEYATT-11, KEYATT-14; each line changes header or claims.
#[tokio::test]
async fn an_attestation_is_what_the_spec_says() {
    let keys = Keys::new(2);
    let away = |seconds: i64| NOW.0.checked_add_signed(seconds).unwrap();
    let foreign = NonceResponse::fresh("https://b.example", &nonce_key(), NOW, &SystemRandom);
    let none = json!({});
    let cases = [
        ("as the spec shows it", none.clone(), none.clone(), Ok(())),
        ("KEYATT-09: more claims", none.clone(), json!({ "certification": "u", "iss": 1 }), Ok(())),
        ("KEYATT-05: no typ", json!({ "typ": null }), none.clone(), Err(WrongType)),
        ("KEYATT-05: drafts", json!({ "typ": "keyattestation+jwt" }), none.clone(), Err(WrongType)),
        ("KEYATT-05: none", json!({ "alg": "none" }), none.clone(), Err(AlgorithmNotSupported)),
        ("KEYATT-05: a MAC", json!({ "alg": "HS256" }), none.clone(), Err(AlgorithmNotSupported)),
        ("PROOF-19, PROOF-26", json!({ "alg": "ES384" }), none.clone(), Err(AlgorithmNotSupported)),
        ("E16: crit", json!({ "crit": [] }), none.clone(), Err(CriticalHeader)),
        ("KEYATT-07: no iat", none.clone(), json!({ "iat": null }), Err(NoTime)),
        ("KEYATT-07: iat as a string", none.clone(), json!({ "iat": "x" }), Err(NoTime)),
        ("an old one", none.clone(), json!({ "iat": away(-86_400) }), Ok(())),
        ("a little ahead", none.clone(), json!({ "iat": away(120) }), Ok(())),
        ("E24: iat ahead", none.clone(), json!({ "iat": away(121) }), Err(NotYetValid)),
        ("E24: nbf ahead", none.clone(), json!({ "nbf": away(121) }), Err(NotYetValid)),
        ("nbf as a string", none.clone(), json!({ "nbf": "x" }), Err(NoTime)),
        ("a second left", none.clone(), json!({ "exp": away(1) }), Ok(())),
        ("KEYATT-08, E24: exp is now", none.clone(), json!({ "exp": away(0) }), Err(Expired)),
        ("E10: exp as a string", none.clone(), json!({ "exp": "x" }), Err(NoExpiry)),
        ("KEYATT-11: no nonce", none.clone(), json!({ "nonce": null }), Err(NoNonce)),
        ("KEYATT-11: a number", none.clone(), json!({ "nonce": 1 }), Err(NoNonce)),
        ("KEYATT-11, E24: made up", none.clone(), json!({ "nonce": "n" }), Err(BadNonce)),
        ("E02", none.clone(), json!({ "nonce": foreign.c_nonce }), Err(BadNonce)),
        ("KEYATT-09: status", none.clone(), json!({ "status": {} }), Err(UnknownStatus)),
        ("KEYATT-09: unheard of", none.clone(), json!({ "status": listed(7) }), Err(UnknownStatus)),
    ];
    for (rule, header, claims, expected) in cases {
        let attestation = keys.attestation(&header, &claims).await;
        let expected = expected.map_err(ProofRefusal::KeyAttestation);
        assert_eq!(verdicts(&keys, &attestation, None).await, [expected; 2], "{rule}");
    }
    let endless = keys.attestation(&json!({}), &json!({ "exp": null })).await;
    let expected = [Err(ProofRefusal::KeyAttestation(NoExpiry)), Ok(())];
    assert_eq!(verdicts(&keys, &endless, None).await, expected, "KEYATT-08: only beside a proof");
    let text = verdicts(&keys, "no JWT", None).await;
    assert_eq!(text, [Err(ProofRefusal::KeyAttestation(Unreadable)); 2]);
}

/// KEYATT-07, KEYATT-14, AMB-06: the attested keys.
#[tokio::test]
async fn attested_keys_are_public_and_few() {
    let keys = Keys::new(1);
    let jwk = |more: Value| {
        let jwk = Value::Object(keys.held[0].public_key().to_jwk());
        serde_json::from_str::<Value>(&merged(jwk, &more)).unwrap()
    };
    let cases = [
        ("KEYATT-07: no keys", json!({ "attested_keys": null }), Err(NoKeys)),
        ("KEYATT-07: empty", json!({ "attested_keys": [] }), Err(NoKeys)),
        ("KEYATT-07: no array", json!({ "attested_keys": jwk(json!({})) }), Err(NoKeys)),
        (
            "KEYATT-14: a private key",
            json!({ "attested_keys": [jwk(json!({ "d": "AA" }))] }),
            Err(PrivateKey),
        ),
        ("E18: no key", json!({ "attested_keys": [1] }), Err(BadKey)),
        (
            "AMB-06, E24: more than batch_size",
            json!({ "attested_keys": vec![jwk(json!({})); 4] }),
            Err(TooManyKeys),
        ),
        ("AMB-07: one several times", json!({ "attested_keys": vec![jwk(json!({})); 3] }), Ok(())),
    ];
    for (rule, claims, expected) in cases {
        let attestation = keys.attestation(&json!({}), &claims).await;
        let expected = expected.map_err(ProofRefusal::KeyAttestation);
        assert_eq!(verdicts(&keys, &attestation, None).await, [expected; 2], "{rule}");
    }
}

/// META-37, META-38, KEYATT-12, KEYATT-14: what the metadata demand.
#[tokio::test]
async fn an_attestation_is_good_enough() {
    let keys = Keys::new(1);
    let required = |key_storage: &[&str], user_authentication: &[&str]| {
        let owned = |levels: &[&str]| levels.iter().map(|level| (*level).to_owned()).collect();
        KeyAttestationsRequired {
            key_storage: owned(key_storage),
            user_authentication: owned(user_authentication),
        }
    };
    let (high, moderate) = ("iso_18045_high", "iso_18045_moderate");
    let any = required(&[], &[]);
    let storage = required(&[high, moderate], &[]);
    let both = required(&[high], &[high]);
    let own = required(&["https://levels.example/a"], &[]);
    let cases = [
        ("META-37: any", &any, json!({}), Ok(())),
        ("META-38", &storage, json!({ "key_storage": [moderate] }), Ok(())),
        ("META-38: one of several", &storage, json!({ "key_storage": ["x", high] }), Ok(())),
        ("KEYATT-14: none said", &storage, json!({}), Err(KeyStorage)),
        (
            "KEYATT-14: too low",
            &storage,
            json!({ "key_storage": ["iso_18045_basic"] }),
            Err(KeyStorage),
        ),
        (
            "KEYATT-09: case",
            &storage,
            json!({ "key_storage": ["ISO_18045_HIGH"] }),
            Err(KeyStorage),
        ),
        ("META-38: the other", &both, json!({ "key_storage": [high] }), Err(UserAuthentication)),
        (
            "META-38: both",
            &both,
            json!({ "key_storage": [high], "user_authentication": [high] }),
            Ok(()),
        ),
        ("KEYATT-13", &own, json!({ "key_storage": ["https://levels.example/a"] }), Ok(())),
        ("KEYATT-09: empty", &any, json!({ "key_storage": [] }), Err(BadLevels)),
        ("KEYATT-09: a string", &any, json!({ "user_authentication": high }), Err(BadLevels)),
        ("KEYATT-09: numbers", &any, json!({ "key_storage": [1] }), Err(BadLevels)),
        ("too many", &any, json!({ "key_storage": vec![high; 33] }), Err(BadLevels)),
    ];
    for (rule, required, claims, expected) in cases {
        let attestation = keys.attestation(&json!({}), &claims).await;
        let expected = expected.map_err(ProofRefusal::KeyAttestation);
        assert_eq!(verdicts(&keys, &attestation, Some(required)).await, [expected; 2], "{rule}");
    }
    assert!(both.is_met(&[high], &[high]) && !both.is_met(&[high], &[]), "a Wallet can know");
    let metadata = serde_json::to_value(&storage).unwrap();
    assert_eq!(metadata, json!({ "key_storage": [high, moderate] }), "META-38");
    assert_eq!(serde_json::to_value(&any).unwrap(), json!({}), "META-37");
}

/// KEYATT-14, D13, HAIP-33: who has signed.
#[tokio::test]
async fn an_attestation_is_by_somebody_trusted() {
    let (keys, other) = (Keys::new(1), Attester::new(NOW));
    let attestation = keys.attestation(&json!({}), &json!({})).await;
    let whole = json!({ "x5c": x5c_to_json(&keys.attester.chain) });
    let whole = keys.attestation(&whole, &json!({})).await;
    let forged = merged(keys.header(), &json!({}));
    let forged = jwt(&forged, &keys.claims().to_string(), &other.key).await;
    let strict = Attesters { is_anchor_refused: true, ..keys.attester.by_anchor() };
    let cases = [
        ("a chain", keys.attester.by_anchor(), &attestation, Ok(())),
        ("a key", keys.attester.by_key(None), &attestation, Ok(())),
        ("HAIP-33: the anchor inside", strict, &whole, Err(Untrusted)),
        ("D13: nobody is trusted", Attesters::default(), &attestation, Err(Untrusted)),
        ("of another authority", other.by_anchor(), &attestation, Err(Untrusted)),
        ("KEYATT-14: signed by another", keys.attester.by_anchor(), &forged, Err(WrongSignature)),
    ];
    for (rule, attesters, attestation, expected) in cases {
        let policy = KeyAttestationPolicy {
            attesters: Some(&attesters),
            required: None,
            is_proof_type: true,
        };
        let found = verify_with(&Proofs::Attestation(attestation.clone()), policy).map(|_| ());
        assert_eq!(found, expected.map_err(ProofRefusal::KeyAttestation), "{rule}");
    }
}

/// CRED-57, CRED-58, KEYATT-14: only a bad nonce tells the Wallet to come again with a new one.
#[test]
fn each_refusal_of_a_key_attestation_has_its_code_and_text() {
    let all = every!(KeyAttestationRefusal {
        Missing,
        Several,
        Unreadable,
        WrongType,
        AlgorithmNotSupported,
        CriticalHeader,
        NoTime,
        NotYetValid,
        NoExpiry,
        Expired,
        NoKeys,
        TooManyKeys,
        PrivateKey,
        BadKey,
        OtherKey,
        BadLevels,
        KeyStorage,
        UserAuthentication,
        NoNonce,
        BadNonce,
        Withdrawn,
        UnknownStatus,
        Untrusted,
        WrongSignature,
    });
    check_texts(&all.map(|refusal| refusal.answer().1));
    for refusal in all {
        let nonce = refusal == BadNonce;
        let expected = if nonce { ErrorCode::InvalidNonce } else { ErrorCode::InvalidProof };
        let refusal = ProofRefusal::KeyAttestation(refusal);
        assert_eq!(refusal.answer().0, expected, "{refusal:?}");
    }
}

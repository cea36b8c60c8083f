//! VCI §E as tables: client attestations that hold, and all that do not.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod attester;
mod instance;
mod jose;

use attester::Attester;
use formats::status_list::StatusReference;
use instance::{CLIENT, Instance, NOW, SERVER, challenges, context, nonce_key, part, pop_claims};
use jose::{jwt, key, merged};
use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::outside::SystemRandom;
use keys::signer::Signer as _;
use keys::x509::x5c_to_json;
use oid4vci::attestation::client::ClientAttestationRefusal::{
    AlgorithmNotSupported, BadChallenge, BadJti, BadKey, CriticalHeader, Expired, NoChallenge,
    NoClient, NoKey, NoTime, NotPaired, NotYetValid, OtherClient, PrivateKey, Several, Stale,
    TooOld, UnknownStatus, Unreadable, Untrusted, Withdrawn, WrongAudience, WrongPopSignature,
    WrongSignature, WrongType,
};
use oid4vci::attestation::client::{
    ATTESTATION_BYTES_MAX, ClientAttestationContext, NewClientAttestation, NewClientAttestationPop,
    status, verify,
};
use oid4vci::attestation::status::KnownEntries;
use oid4vci::attestation::{AttesterKey, Attesters};
use oid4vci::nonce::{LIFETIME_SECONDS, Nonces, Purpose};
use serde_json::{Value, json};

/// WALATT-03, WALATT-08: the attestation; each line changes header or claims.
#[tokio::test]
async fn an_attestation_is_what_the_draft_says() {
    let instance = Instance::new();
    let jwk = Value::Object(instance.key.public_key().to_jwk());
    let private = json!({ "jwk": merged_value(&jwk, &json!({ "d": "AA" })) });
    let away = |seconds: i64| NOW.0.checked_add_signed(seconds).unwrap();
    let none = json!({});
    let cases = [
        ("as the draft shows it", none.clone(), none.clone(), Ok(())),
        ("WALATT-04: more claims", none.clone(), json!({ "wallet_name": "w", "x": {} }), Ok(())),
        ("WALATT-13: no iss", none.clone(), json!({ "iss": null }), Ok(())),
        ("WALATT-03: no iat", none.clone(), json!({ "iat": null }), Ok(())),
        (
            "unknown header members",
            json!({ "kid": "11", "jku": "https://e" }),
            none.clone(),
            Ok(()),
        ),
        ("no typ", json!({ "typ": null }), none.clone(), Err(WrongType)),
        ("RFC 8725 §3.12", json!({ "typ": "key-attestation+jwt" }), none.clone(), Err(WrongType)),
        ("D15: none", json!({ "alg": "none" }), none.clone(), Err(AlgorithmNotSupported)),
        ("D16: a MAC", json!({ "alg": "HS256" }), none.clone(), Err(AlgorithmNotSupported)),
        ("not announced", json!({ "alg": "ES384" }), none.clone(), Err(AlgorithmNotSupported)),
        ("E16: crit", json!({ "crit": [] }), none.clone(), Err(CriticalHeader)),
        ("D14: no sub", none.clone(), json!({ "sub": null }), Err(NoClient)),
        ("an empty sub", none.clone(), json!({ "sub": "" }), Err(NoClient)),
        ("a long sub", none.clone(), json!({ "sub": "x".repeat(2049) }), Err(NoClient)),
        ("iss of a wrong type", none.clone(), json!({ "iss": 1 }), Err(Unreadable)),
        ("WALATT-03: no exp", none.clone(), json!({ "exp": null }), Err(NoTime)),
        ("E10: exp as a string", none.clone(), json!({ "exp": "x" }), Err(NoTime)),
        ("a second left", none.clone(), json!({ "exp": away(1) }), Ok(())),
        ("D14: exp is now", none.clone(), json!({ "exp": away(0) }), Err(Expired)),
        ("D14: exp past", none.clone(), json!({ "exp": away(-600) }), Err(Expired)),
        ("a little ahead", none.clone(), json!({ "iat": away(60), "nbf": away(60) }), Ok(())),
        ("iat ahead", none.clone(), json!({ "iat": away(61) }), Err(NotYetValid)),
        ("nbf ahead", none.clone(), json!({ "nbf": away(61) }), Err(NotYetValid)),
        ("nbf as a string", none.clone(), json!({ "nbf": "x" }), Err(NoTime)),
        ("no cnf", none.clone(), json!({ "cnf": null }), Err(NoKey)),
        ("no jwk in it", none.clone(), json!({ "cnf": { "jkt": "x" } }), Err(NoKey)),
        ("WALATT-08: private", none.clone(), json!({ "cnf": private }), Err(PrivateKey)),
        ("no key", none.clone(), json!({ "cnf": { "jwk": {} } }), Err(BadKey)),
        ("WALATT-04: status", none.clone(), json!({ "status": {} }), Err(UnknownStatus)),
        ("WALATT-04: unheard of", none.clone(), json!({ "status": listed(7) }), Err(UnknownStatus)),
    ];
    for (rule, header, claims, expected) in cases {
        let attestation = instance.attestation(&header, &claims).await;
        let pop = instance.pop(&json!({})).await;
        assert_eq!(instance.verdict(&attestation, &pop), expected, "{rule}");
    }
}

fn merged_value(base: &Value, more: &Value) -> Value {
    serde_json::from_str(&merged(base.clone(), more)).unwrap()
}

/// WALATT-05, WALATT-08, DEP-05: the proof of possession; each line changes its claims.
#[tokio::test]
async fn a_proof_of_possession_is_what_the_draft_says() {
    let instance = Instance::new();
    let away = |seconds: i64| NOW.0.checked_add_signed(seconds).unwrap();
    let cases = [
        ("as the draft shows it", json!({}), Ok(())),
        ("more claims", json!({ "x": {}, "nonce": "y" }), Ok(())),
        ("WALATT-13: no iss", json!({ "iss": null }), Ok(())),
        ("good for a while", json!({ "nbf": away(0), "exp": away(300) }), Ok(())),
        ("RFC 7519 §4.1.3: an array", json!({ "aud": [SERVER] }), Ok(())),
        ("WALATT-08: iss of another", json!({ "iss": "other" }), Err(OtherClient)),
        ("no aud", json!({ "aud": null }), Err(WrongAudience)),
        ("D14: another", json!({ "aud": "https://b.example" }), Err(WrongAudience)),
        ("D14: a slash", json!({ "aud": format!("{SERVER}/") }), Err(WrongAudience)),
        ("D14: the endpoint", json!({ "aud": format!("{SERVER}/token") }), Err(WrongAudience)),
        ("D14: two", json!({ "aud": [SERVER, "https://b.example"] }), Err(WrongAudience)),
        ("an empty array", json!({ "aud": [] }), Err(WrongAudience)),
        ("no jti", json!({ "jti": null }), Err(BadJti)),
        ("D06", json!({ "jti": "x".repeat(257) }), Err(BadJti)),
        ("no iat", json!({ "iat": null }), Err(NoTime)),
        ("the oldest", json!({ "iat": away(-60) }), Ok(())),
        ("the newest", json!({ "iat": away(60) }), Ok(())),
        ("older", json!({ "iat": away(-61) }), Err(TooOld)),
        ("newer", json!({ "iat": away(61) }), Err(TooOld)),
        ("exp past", json!({ "exp": away(-60) }), Err(TooOld)),
        ("nbf ahead", json!({ "nbf": away(61) }), Err(NotYetValid)),
    ];
    let attestation = instance.attestation(&json!({}), &json!({})).await;
    for (rule, claims, expected) in cases {
        let pop = instance.pop(&claims).await;
        assert_eq!(instance.verdict(&attestation, &pop), expected, "{rule}");
    }
}

/// WALATT-09, WALATT-10, D14: a challenge is ours and fresh, and tells the time.
#[tokio::test]
async fn a_challenge_is_ours_and_fresh() {
    let (instance, nonce_key) = (Instance::new(), nonce_key());
    let fresh = challenges(&nonce_key).fresh(NOW, &SystemRandom);
    let old = challenges(&nonce_key).fresh(NOW.minus(LIFETIME_SECONDS), &SystemRandom);
    let c_nonce = Nonces { purpose: Purpose::Proof, ..challenges(&nonce_key) };
    let c_nonce = c_nonce.fresh(NOW, &SystemRandom);
    let cases = [
        ("ours", json!({ "challenge": fresh }), true, Ok(())),
        ("ours, though not needed", json!({ "challenge": fresh }), false, Ok(())),
        ("a wrong clock", json!({ "challenge": fresh, "iat": NOW.0 - 86_400 }), true, Ok(())),
        ("WALATT-09: none", json!({}), true, Err(NoChallenge)),
        ("too old", json!({ "challenge": old }), true, Err(BadChallenge)),
        ("too old, though not needed", json!({ "challenge": old }), false, Err(BadChallenge)),
        ("for another purpose", json!({ "challenge": c_nonce }), true, Err(BadChallenge)),
        ("made by the Wallet", json!({ "challenge": "x" }), true, Err(BadChallenge)),
        ("no string", json!({ "challenge": 1 }), true, Err(BadChallenge)),
    ];
    let attestation = instance.attestation(&json!({}), &json!({})).await;
    let attesters = instance.attester.by_anchor();
    for (rule, claims, is_challenge_required, expected) in cases {
        let pop = instance.pop(&claims).await;
        let context =
            ClientAttestationContext { is_challenge_required, ..context(&attesters, &nonce_key) };
        let found = verify(&[&attestation], &[&pop], None, &context).map(|_| ());
        assert_eq!(found, expected, "{rule}");
    }
}

/// WALATT-01, WALATT-08, D13, D14, HAIP-27: who has signed.
#[tokio::test]
async fn an_attestation_is_by_somebody_trusted() {
    let instance = Instance::new();
    let attester = &instance.attester;
    let (other, old) = (Attester::new(NOW), Attester::new(NOW.minus(5 * 366 * 86_400)));
    let chain = |chain: &[Vec<u8>]| json!({ "x5c": x5c_to_json(chain) });
    let (leaf, whole) = (chain(attester.leaf()), chain(&attester.chain));
    let strict = Attesters { is_anchor_refused: true, ..attester.by_anchor() };
    let embedded = json!({ "x5c": null, "jwk": attester.key.public_key().to_jwk() });
    let named = json!({ "x5c": null, "kid": "11" });
    let bare = json!({ "x5c": null });
    let cases = [
        ("WALATT-01: a chain", attester.by_anchor(), leaf.clone(), Ok(())),
        ("the anchor inside, tolerated", attester.by_anchor(), whole.clone(), Ok(())),
        ("HAIP-27: the anchor inside", strict.clone(), whole.clone(), Err(Untrusted)),
        ("HAIP-27: without it", strict, leaf.clone(), Ok(())),
        ("D13: nobody is trusted", Attesters::default(), leaf.clone(), Err(Untrusted)),
        ("D13: nobody, by the bare key", Attesters::default(), bare.clone(), Err(Untrusted)),
        ("of another authority", other.by_anchor(), leaf.clone(), Err(Untrusted)),
        ("the chain of another", attester.by_anchor(), chain(&other.chain), Err(Untrusted)),
        ("D14: self-signed", attester.by_anchor(), chain(&attester.chain[1..]), Err(Untrusted)),
        ("expired", old.by_anchor(), chain(&old.chain), Err(Untrusted)),
        ("no chain", attester.by_anchor(), bare.clone(), Err(Untrusted)),
        ("I27: a bare key", attester.by_anchor(), embedded, Err(Untrusted)),
        ("nonsense", attester.by_anchor(), json!({ "x5c": ["AAAA"] }), Err(Untrusted)),
        ("a named key", attester.by_key(Some("11")), named.clone(), Ok(())),
        ("a named key, no kid", attester.by_key(Some("11")), bare.clone(), Ok(())),
        ("a key without name", attester.by_key(None), named.clone(), Ok(())),
        ("a key, and a chain of its own", attester.by_key(None), leaf.clone(), Ok(())),
        ("another name", attester.by_key(Some("12")), named.clone(), Err(Untrusted)),
        ("another key", other.by_key(None), named.clone(), Err(WrongSignature)),
    ];
    for (rule, attesters, header, expected) in cases {
        let attestation = instance.attestation(&header, &json!({})).await;
        let pop = instance.pop(&json!({})).await;
        let nonce_key = nonce_key();
        let context = context(&attesters, &nonce_key);
        let found = verify(&[&attestation], &[&pop], None, &context).map(|_| ());
        assert_eq!(found, expected, "{rule}");
    }
    let private = json!({ "kty": "oct", "k": "AA" });
    assert!(AttesterKey::from_jwk(&private).is_err(), "an operator's mistake shows at the start");
}

/// WALATT-06, WALATT-08, D14, D15: one of each, signed by the right keys.
#[tokio::test]
async fn the_headers_are_one_pair_of_signed_jwts() {
    let instance = Instance::new();
    let (head, body) = (instance.header(), instance.claims());
    let attestation = instance.attestation(&json!({}), &json!({})).await;
    let pop = instance.pop(&json!({})).await;
    let stranger = key(Es256);
    let forged = jwt(&head.to_string(), &body.to_string(), &stranger).await;
    let pop_header = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "ES256" });
    let foreign = jwt(&pop_header.to_string(), &pop_claims().to_string(), &stranger).await;
    let eddsa = key(EdDsa);
    let mixed = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "EdDSA" });
    let mixed = jwt(&mixed.to_string(), &pop_claims().to_string(), &eddsa).await;
    let long = format!("{attestation}{}", "A".repeat(ATTESTATION_BYTES_MAX));
    let repeated = body.to_string().replacen('{', r#"{"sub":"a","#, 1);
    let repeated = jwt(&head.to_string(), &repeated, &instance.attester.key).await;
    let (a, p) = (attestation.as_str(), pop.as_str());
    let cases: [(&str, &[&str], &[&str], _); 15] = [
        ("WALATT-06", &[a], &[p], Ok(true)),
        ("neither", &[], &[], Ok(false)),
        ("no proof", &[a], &[], Err(NotPaired)),
        ("no attestation", &[], &[p], Err(NotPaired)),
        ("two attestations", &[a, a], &[p], Err(Several)),
        ("two proofs", &[a], &[p, p], Err(Several)),
        ("exchanged", &[p], &[a], Err(WrongType)),
        ("empty", &[""], &[p], Err(Unreadable)),
        ("an empty proof", &[a], &[""], Err(Unreadable)),
        ("D15: two parts", &[a.rsplit_once('.').unwrap().0], &[p], Err(Unreadable)),
        ("long", &[&long], &[p], Err(Unreadable)),
        ("E27: a claim twice", &[&repeated], &[p], Err(Unreadable)),
        ("D14: signed by another", &[&forged], &[p], Err(WrongSignature)),
        ("D14: the proof by another", &[a], &[&foreign], Err(WrongPopSignature)),
        ("D14: of another algorithm", &[a], &[&mixed], Err(WrongPopSignature)),
    ];
    let (attesters, nonce_key) = (instance.attester.by_anchor(), nonce_key());
    for (rule, attestations, pops, expected) in cases {
        let found = verify(attestations, pops, None, &context(&attesters, &nonce_key));
        assert_eq!(found.map(|verified| verified.is_some()), expected, "{rule}");
    }
    for (rule, client_id, expected) in
        [("HAIP-29: sub", CLIENT, Ok(())), ("WALATT-08: another", "other", Err(OtherClient))]
    {
        let context = context(&attesters, &nonce_key);
        let found = verify(&[a], &[p], Some(client_id), &context).map(|_| ());
        assert_eq!(found, expected, "{rule}");
    }
}

/// WALATT-09: how fresh an attestation must be is the operator's choice.
#[tokio::test]
async fn an_attestation_is_fresh_enough() {
    let instance = Instance::new();
    let (attesters, nonce_key) = (instance.attester.by_anchor(), nonce_key());
    let cases = [
        ("young", json!({ "iat": NOW.0 - 3600 }), Some(3600), Ok(())),
        ("older", json!({ "iat": NOW.0 - 3601 }), Some(3600), Err(Stale)),
        ("of unknown age", json!({ "iat": null }), Some(3600), Err(Stale)),
        ("any age", json!({ "iat": 1 }), None, Ok(())),
    ];
    for (rule, claims, age_seconds_max, expected) in cases {
        let attestation = instance.attestation(&json!({}), &claims).await;
        let pop = instance.pop(&json!({})).await;
        let context =
            ClientAttestationContext { age_seconds_max, ..context(&attesters, &nonce_key) };
        let found = verify(&[&attestation], &[&pop], None, &context).map(|_| ());
        assert_eq!(found, expected, "{rule}");
    }
}

/// WALATT-07, WALATT-12, B23: what is known afterwards.
#[tokio::test]
async fn a_verified_attestation_names_client_and_key() {
    let instance = Instance::new();
    let (attesters, nonce_key) = (instance.attester.by_anchor(), nonce_key());
    let attestation = instance.attestation(&json!({}), &json!({})).await;
    let mut marks = Vec::new();
    for claims in [json!({}), json!({ "iat": NOW.0 + 5 }), json!({ "jti": "another" })] {
        let pop = instance.pop(&claims).await;
        let verified = verify(&[&attestation], &[&pop], None, &context(&attesters, &nonce_key));
        let verified = verified.unwrap().unwrap();
        assert_eq!(verified.client_id(), CLIENT);
        assert_eq!(*verified.thumbprint(), instance.key.public_key().thumbprint());
        marks.push(verified.used().marks());
    }
    let meet = |one: usize, two: usize| marks[one].iter().any(|mark| marks[two].contains(mark));
    assert!(meet(0, 1), "the same jti");
    assert!(!meet(0, 2), "another");
}

/// A status in this entry of a list (TSL §6.2).
fn listed(idx: u64) -> Value {
    json!({ "status_list": { "idx": idx, "uri": "https://provider.example/list" } })
}

/// WALATT-03, WALATT-05, WALATT-07, HAIP-27: what our Wallet and its provider send.
#[tokio::test]
async fn ours_are_the_ones_of_the_draft() {
    let instance = Instance::new();
    let attester = &instance.attester;
    let attestation = NewClientAttestation {
        provider: "https://provider.example",
        client_id: CLIENT,
        instance_key: instance.key.public_key(),
        wallet_name: None,
        now: NOW,
        expires_at: NOW.plus(300),
    };
    let jwt = attestation.sign(&attester.key, Some(attester.leaf())).await.unwrap();
    assert_eq!(Value::Object(part(&jwt, 0)), instance.header());
    assert_eq!(Value::Object(part(&jwt, 1)), instance.claims());
    let named = NewClientAttestation { wallet_name: Some("W"), ..attestation };
    let named = part(&named.sign(&attester.key, None).await.unwrap(), 1);
    assert_eq!(named.get("wallet_name"), Some(&json!("W")), "WALATT-04");

    let pop = NewClientAttestationPop {
        client_id: CLIENT,
        authorization_server: SERVER,
        challenge: None,
        now: NOW,
    };
    let first = pop.sign(&instance.key, &SystemRandom).await.unwrap();
    assert_eq!(instance.verdict(&jwt, &first), Ok(()));
    let mut claims = part(&first, 1);
    let jti = claims.remove("jti").unwrap();
    assert_eq!(Value::Object(claims), json!({ "iss": CLIENT, "aud": SERVER, "iat": NOW.0 }));
    let challenged = NewClientAttestationPop { challenge: Some("c"), ..pop };
    let second = part(&challenged.sign(&instance.key, &SystemRandom).await.unwrap(), 1);
    assert_eq!(second.get("challenge"), Some(&json!("c")), "WALATT-10");
    assert_ne!(second.get("jti"), Some(&jti), "a jti is used once");
}

/// WALATT-04: what is asked for is what somebody trusted signed; what is heard decides.
#[tokio::test]
async fn an_attestation_may_be_withdrawn() {
    let instance = Instance::new();
    let attestation = instance.attestation(&json!({}), &json!({ "status": listed(7) })).await;
    let pop = instance.pop(&json!({})).await;
    let (attesters, nonce_key) = (instance.attester.by_anchor(), nonce_key());
    let context = context(&attesters, &nonce_key);
    let entry = status(&[&attestation], &[&pop], None, &context).unwrap();
    assert_eq!((entry.idx, &*entry.uri), (7, "https://provider.example/list"));
    for (is_valid, expected) in [(true, Ok(())), (false, Err(Withdrawn))] {
        let mut known = KnownEntries::default();
        known.add(StatusReference { idx: 8, ..entry.clone() }, !is_valid);
        known.add(entry.clone(), is_valid);
        let context = ClientAttestationContext { known_entries: &known, ..context };
        let verdict = verify(&[&attestation], &[&pop], None, &context).map(|_| ());
        assert_eq!(verdict, expected);
    }
    let asked = |attestation: &str, pop: &str| status(&[attestation], &[pop], None, &context);
    let other = Instance::new();
    let stranger = other.attestation(&json!({}), &json!({ "status": listed(7) })).await;
    let by_stranger = other.pop(&json!({})).await;
    assert_eq!(asked(&stranger, &by_stranger), None, "nobody trusted says where to ask");
    assert_eq!(asked(&attestation, &by_stranger), None, "who has not its key makes nobody ask");
    assert_eq!(status(&[&attestation], &[], None, &context), None);
    let none = instance.attestation(&json!({}), &json!({})).await;
    assert_eq!(asked(&none, &pop), None);
}

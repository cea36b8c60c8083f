//! VCI §F.1 and VCI §F.4 as tables: proofs of possession that hold, and all that do not.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod jose;
mod prover;
#[macro_use]
mod refusals;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jose::{jwt, key, merged};
use keys::algorithm::Algorithm::{EdDsa, Es256, Es384};
use keys::did;
use keys::outside::SystemRandom;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::error::{ErrorCode, Refusal as _};
use oid4vci::nonce::NonceResponse;
use oid4vci::proof::ProofRefusal::{
    AlgorithmNotSupported, AttestationNotSupported, BadKey, BadNonce, CriticalHeader, Missing,
    NoKey, NoNonce, NoTime, PrivateKey, RepeatedKey, SeveralKeys, TooMany, TooOld, Unreadable,
    WrongAudience, WrongIssuer, WrongSignature, WrongType,
};
use oid4vci::proof::{
    DocumentRefusal, PROOF_BYTES_MAX, ProofContext, ProofRefusal, Proofs, verify,
};
use prover::{ISSUER, NOW, claims, context, header, nonce, nonce_key};
use refusals::check_texts;
use serde_json::{Value, json};

/// What becomes of a request with this proof alone.
fn verdict(jwt: String) -> Result<(), ProofRefusal> {
    verify(&Proofs::Jwt(vec![jwt]), &context(&nonce_key())).map(|_| ())
}

/// The JOSE header; each line changes it.
#[tokio::test]
async fn the_header_of_a_proof() {
    let key = key(Es256);
    let jwk = Value::Object(key.public_key().to_jwk());
    let with = |name: &str, value: Value| merged(jwk.clone(), &json!({ (name): value }));
    let with = |name, value| serde_json::from_str::<Value>(&with(name, value)).unwrap();
    let did = did::to_did_jwk(key.public_key());
    let cases = [
        ("as the spec shows it", json!({}), Ok(())),
        ("PROOF-08: did:jwk", json!({ "jwk": null, "kid": did }), Ok(())),
        ("E16: nothing is fetched", json!({ "jku": "https://e.example", "x5u": 1 }), Ok(())),
        ("RFC 7517 §4: more about the key", json!({ "jwk": with("kid", json!("1")) }), Ok(())),
        ("PROOF-06, E12: no typ", json!({ "typ": null }), Err(WrongType)),
        ("PROOF-28, E12: another", json!({ "typ": "JWT" }), Err(WrongType)),
        ("E12: capitals", json!({ "typ": "OpenID4VCI-proof+jwt" }), Err(WrongType)),
        ("E12: a suffix", json!({ "typ": "openid4vci-proof+jwt " }), Err(WrongType)),
        ("E12: a media type", json!({ "typ": "application/openid4vci-proof+jwt" }), Err(WrongType)),
        ("PROOF-05, PROOF-29, E13", json!({ "alg": "none" }), Err(AlgorithmNotSupported)),
        ("E13: none in capitals", json!({ "alg": "None" }), Err(AlgorithmNotSupported)),
        ("PROOF-05, E13: a MAC", json!({ "alg": "HS256" }), Err(AlgorithmNotSupported)),
        ("PROOF-29: unknown", json!({ "alg": "RS256" }), Err(AlgorithmNotSupported)),
        ("PROOF-19: not announced", json!({ "alg": "ES384" }), Err(AlgorithmNotSupported)),
        ("E18: not the key's", json!({ "alg": "EdDSA" }), Err(AlgorithmNotSupported)),
        ("no alg", json!({ "alg": null }), Err(Unreadable)),
        ("E16: crit", json!({ "crit": ["exp"] }), Err(CriticalHeader)),
        ("E16: b64", json!({ "b64": false }), Err(CriticalHeader)),
        ("PROOF-07: no key", json!({ "jwk": null }), Err(NoKey)),
        ("PROOF-07, E14: two", json!({ "kid": did }), Err(SeveralKeys)),
        (
            "PROOF-07, E14: two others",
            json!({ "jwk": null, "kid": did, "x5c": [] }),
            Err(SeveralKeys),
        ),
        ("PROOF-07, E14: three", json!({ "kid": did, "x5c": [] }), Err(SeveralKeys)),
        ("PROOF-31, E15", json!({ "jwk": with("d", json!("AA")) }), Err(PrivateKey)),
        ("PROOF-31: a shared key", json!({ "jwk": { "kty": "oct", "k": "AA" } }), Err(PrivateKey)),
        ("E18: not on the curve", json!({ "jwk": with("y", jwk["x"].clone()) }), Err(BadKey)),
        ("E18: a short coordinate", json!({ "jwk": with("x", json!("AA")) }), Err(BadKey)),
        ("E18: another curve", json!({ "jwk": with("crv", json!("P-384")) }), Err(BadKey)),
        ("E18: another alg", json!({ "jwk": with("alg", json!("EdDSA")) }), Err(BadKey)),
        ("E18: no object", json!({ "jwk": "key" }), Err(BadKey)),
        ("PROOF-10", json!({ "key_attestation": "e30.e30.AA" }), Err(AttestationNotSupported)),
        ("PROOF-11", json!({ "trust_chain": [] }), Err(AttestationNotSupported)),
    ];
    for (rule, more, expected) in cases {
        let jwt = jwt(&merged(header(&key), &more), &claims().to_string(), &key).await;
        assert_eq!(verdict(jwt), expected, "{rule}");
    }
}

/// The claims; each line changes them.
#[tokio::test]
async fn the_claims_of_a_proof() {
    let key = key(Es256);
    let seconds = |away: i64| json!({ "iat": NOW.0.checked_add_signed(away) });
    let foreign = NonceResponse::fresh("https://b.example", &nonce_key(), NOW, &SystemRandom);
    let old = NonceResponse::fresh(ISSUER, &nonce_key(), NOW.minus(300), &SystemRandom);
    let cases = [
        ("as the spec shows them", json!({}), Ok(())),
        ("PROOF-13, E11: a name that we never heard", json!({ "iss": "wallet" }), Ok(())),
        ("unknown claims", json!({ "exp": 1, "jti": "x", "sub": {} }), Ok(())),
        ("PROOF-33: the oldest", seconds(-120), Ok(())),
        ("PROOF-34, E10: the newest", seconds(120), Ok(())),
        ("RFC 7519 §2: a fraction", json!({ "iat": 1_750_000_000.75 }), Ok(())),
        ("PROOF-33, E10: older", seconds(-121), Err(TooOld)),
        ("PROOF-33, E10: newer", seconds(121), Err(TooOld)),
        ("E10: an hour", seconds(3600), Err(TooOld)),
        ("G14: the end of time", json!({ "iat": u64::MAX }), Err(TooOld)),
        ("G14: a large fraction", json!({ "iat": 1e300 }), Err(NoTime)),
        ("PROOF-15, E10: none", json!({ "iat": null }), Err(NoTime)),
        ("PROOF-15, E10: a string", json!({ "iat": NOW.0.to_string() }), Err(NoTime)),
        ("PROOF-15: negative", json!({ "iat": -1 }), Err(NoTime)),
        ("PROOF-14: none", json!({ "aud": null }), Err(WrongAudience)),
        ("PROOF-14, E09, E26", json!({ "aud": "https://b.example" }), Err(WrongAudience)),
        ("E09: a slash", json!({ "aud": format!("{ISSUER}/") }), Err(WrongAudience)),
        ("E09: the endpoint", json!({ "aud": format!("{ISSUER}/credential") }), Err(WrongAudience)),
        ("PROOF-14, RFC 7519 §4.1.3: alone in an array", json!({ "aud": [ISSUER] }), Ok(())),
        ("E09: another in an array", json!({ "aud": ["https://b.example"] }), Err(WrongAudience)),
        ("E09: the same twice", json!({ "aud": [ISSUER, ISSUER] }), Err(WrongAudience)),
        ("E09: an empty array", json!({ "aud": [] }), Err(WrongAudience)),
        ("E09: nested", json!({ "aud": [[ISSUER]] }), Err(WrongAudience)),
        ("E09: two", json!({ "aud": [ISSUER, "https://b.example"] }), Err(WrongAudience)),
        ("PROOF-16, CRED-57, AMB-02, E03", json!({ "nonce": null }), Err(NoNonce)),
        ("PROOF-16: a number", json!({ "nonce": 1 }), Err(NoNonce)),
        ("PROOF-32, CRED-58, E02", json!({ "nonce": "wallet-made" }), Err(BadNonce)),
        ("CRED-58: empty", json!({ "nonce": "" }), Err(BadNonce)),
        ("CRED-58, E02: of another issuer", json!({ "nonce": foreign.c_nonce }), Err(BadNonce)),
        ("CRED-58, E02: too old", json!({ "nonce": old.c_nonce }), Err(BadNonce)),
    ];
    for (rule, more, expected) in cases {
        let jwt = jwt(&header(&key).to_string(), &merged(claims(), &more), &key).await;
        assert_eq!(verdict(jwt), expected, "{rule}");
    }
}

/// PROOF-12, E11: a Wallet that gave a name proves under the same.
#[tokio::test]
async fn a_named_wallet_proves_under_its_name() {
    let key = key(Es256);
    let cases = [
        ("the same", json!({ "iss": "wallet" }), Ok(())),
        ("PROOF-12: optional", json!({}), Ok(())),
        ("PROOF-12: another", json!({ "iss": "other" }), Err(WrongIssuer)),
        ("PROOF-12: no string", json!({ "iss": ["wallet"] }), Err(WrongIssuer)),
    ];
    for (rule, more, expected) in cases {
        let jwt = jwt(&header(&key).to_string(), &merged(claims(), &more), &key).await;
        let nonce_key = nonce_key();
        let context = ProofContext { client_id: Some("wallet"), ..context(&nonce_key) };
        assert_eq!(verify(&Proofs::Jwt(vec![jwt]), &context).map(|_| ()), expected, "{rule}");
    }
}

/// Texts that are no JWT, or that two readers read in two ways.
#[tokio::test]
async fn a_proof_is_one_strict_jwt() {
    let key = key(Es256);
    let (head, body) = (header(&key).to_string(), claims().to_string());
    let good = jwt(&head, &body, &key).await;
    let repeated = |text: &str| text.replacen('{', r#"{"nonce":"x","\u006eonce":"y","#, 1);
    let number = body.replace(&NOW.0.to_string(), "1e400");
    let cases = [
        ("PROOF-01: nothing", String::new()),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("four parts", format!("{good}.AA")),
        ("padded", format!("{good}=")),
        ("white space", format!("{good}\n")),
        ("long", format!("{good}{}", "A".repeat(PROOF_BYTES_MAX))),
        ("JSON", json!({ "payload": "" }).to_string()),
        ("E27: a claim twice", jwt(&head, &repeated(&body), &key).await),
        ("G03: a header member twice", jwt(&repeated(&head), &body, &key).await),
        ("E10: a number beyond all numbers", jwt(&head, &number, &key).await),
        ("claims that are no object", jwt(&head, "[]", &key).await),
        ("a header that is no object", jwt("[]", &body, &key).await),
        ("no claims", jwt(&head, "", &key).await),
    ];
    assert_eq!(verdict(good), Ok(()));
    for (rule, jwt) in cases {
        assert_eq!(verdict(jwt), Err(Unreadable), "{rule}");
    }
}

/// PROOF-17, PROOF-30: the named key signed just this.
#[tokio::test]
async fn the_signature_is_by_the_named_key() {
    let (mine, other) = (key(Es256), key(Es256));
    let (head, body) = (header(&mine).to_string(), claims().to_string());
    let good = jwt(&head, &body, &mine).await;
    let (input, signature) = good.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let resigned = |bytes: &[u8]| format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let mut flipped = signature.clone();
    flipped[63] ^= 1;
    let other_signature = jwt(&head, &claims().to_string(), &mine).await;
    let other_signature = other_signature.rsplit_once('.').unwrap().1;
    let cases = [
        ("E21: by another key", jwt(&head, &body, &other).await),
        ("PROOF-30: of another message", format!("{input}.{other_signature}")),
        ("E17: one bit", resigned(&flipped)),
        ("E17: none", resigned(&[])),
        ("E17: 63 bytes", resigned(&signature[..63])),
        ("E17: 65 bytes", resigned(&[&signature[..], &[0]].concat())),
        ("E17: zeros", resigned(&[0; 64])),
    ];
    assert_eq!(verdict(good.clone()), Ok(()));
    for (rule, jwt) in cases {
        assert_eq!(verdict(jwt), Err(WrongSignature), "{rule}");
    }
}

/// PROOF-19, PROOF-29, E13: a good signature of an algorithm that was not announced.
#[tokio::test]
async fn only_announced_algorithms_are_taken() {
    for (algorithm, expected) in
        [(Es256, Ok(())), (EdDsa, Ok(())), (Es384, Err(AlgorithmNotSupported))]
    {
        let key = key(algorithm);
        let jwt = jwt(&header(&key).to_string(), &claims().to_string(), &key).await;
        assert_eq!(verdict(jwt), expected, "{algorithm}");
    }
}

/// All proofs of one request.
#[tokio::test]
async fn proofs_of_a_request_stand_or_fall_together() {
    let (one, two, three) = (key(Es256), key(EdDsa), key(Es256));
    let (nonce, another) = (nonce(), nonce());
    let prove = async |key: &SoftwareKey, nonce: &str| {
        let claims = merged(claims(), &json!({ "nonce": nonce }));
        jwt(&header(key).to_string(), &claims, key).await
    };
    let first = prove(&one, &nonce).await;
    let second = prove(&two, &nonce).await;
    let third = prove(&three, &another).await;
    let bad = jwt(&header(&two).to_string(), &claims().to_string(), &one).await;
    let again = prove(&one, &another).await;
    let cases = [
        ("one", vec![&first], Ok(1)),
        ("AMB-03, E04: one nonce for all", vec![&first, &second], Ok(1)),
        ("AMB-03, E04: several nonces", vec![&first, &second, &third], Ok(2)),
        ("CRED-57, E04: one is bad", vec![&first, &bad, &third], Err(WrongSignature)),
        ("CRED-36, E22: one key twice", vec![&first, &second, &again], Err(RepeatedKey)),
        ("CRED-36: one proof twice", vec![&first, &first], Err(RepeatedKey)),
        ("CRED-11, E22: too many", vec![&first, &second, &third, &again], Err(TooMany)),
        ("CRED-57: none", vec![], Err(Missing)),
    ];
    for (rule, jwts, expected) in cases {
        let jwts: Vec<String> = jwts.into_iter().cloned().collect();
        let found =
            verify(&Proofs::Jwt(jwts), &context(&nonce_key())).map(|proofs| proofs.nonces().len());
        assert_eq!(found, expected, "{rule}");
    }
    let proofs = verify(&Proofs::Jwt(vec![third, first, second]), &context(&nonce_key())).unwrap();
    let proofs = proofs.proofs().iter();
    let thumbprints: Vec<_> = proofs.map(|proof| proof.thumbprint().clone()).collect();
    let expected = [three, one, two].map(|key| key.public_key().thumbprint());
    assert_eq!(thumbprints, expected, "AMB-21: in the order of the proofs");
}

/// CRED-57, CRED-58: `invalid_nonce` tells the Wallet to come again with a new one; nothing else is.
#[test]
fn each_refusal_of_a_proof_has_its_code_and_text() {
    let all = every!(ProofRefusal {
        Missing,
        TooMany,
        TypeNotSupported,
        AttestationNotSupported,
        Unreadable,
        WrongType,
        AlgorithmNotSupported,
        CriticalHeader,
        NoKey,
        SeveralKeys,
        PrivateKey,
        BadKey,
        KidNotSupported,
        BadDid,
        BadCertificate,
        BindingNotSupported,
        WrongAudience,
        WrongIssuer,
        NoTime,
        TooOld,
        NoNonce,
        BadNonce,
        WrongSignature,
        RepeatedKey,
        UnreadablePresentation,
        UnknownPresentationTerm,
        CryptosuiteNotSupported,
        WrongPurpose,
        WrongDomain,
        NoChallenge,
        CreatedTooFar,
        BadMethod,
        OtherHolder,
    } except ProofRefusal::KeyAttestation(_) | ProofRefusal::Document(_));
    check_texts(&all.map(|refusal| refusal.answer().1));
    for refusal in all {
        let expected =
            if refusal == BadNonce { ErrorCode::InvalidNonce } else { ErrorCode::InvalidProof };
        assert_eq!((refusal.answer().0, refusal.status()), (expected, 400), "{refusal:?}");
    }
    let of_documents = every!(DocumentRefusal { TooMany, Unread, KeyNotListed });
    check_texts(&of_documents.map(|refusal| refusal.answer().1));
    for refusal in of_documents {
        assert_eq!(refusal.answer().0, ErrorCode::InvalidProof);
        assert_eq!(ProofRefusal::from(refusal).answer(), refusal.answer());
    }
}

//! VCI §F.1: the ways to name a key in a proof, and the proof that our Wallet makes.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod jose;
mod prover;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jose::{jwt, key, merged};
use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::development::DevelopmentCa;
use keys::did;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{x5c_from_pem, x5c_to_json};
use oid4vci::proof::BindingMethod::{DidJwk, DidKey, Jwk};
use oid4vci::proof::ProofRefusal::{
    BadCertificate, BadDid, BindingNotSupported, KidNotSupported, SeveralKeys, WrongSignature,
};
use oid4vci::proof::{
    BindingMethod, HolderBinding, NewProof, ProofContext, ProofRefusal, Proofs, verify,
};
use prover::{ISSUER, NOW, claims, context, header, nonce, nonce_key};
use serde_json::{Map, Value, json};

/// What becomes of a request with this proof alone.
fn verdict(jwt: String) -> Result<(), ProofRefusal> {
    verify(&Proofs::Jwt(vec![jwt]), &context(&nonce_key())).map(|_| ())
}

/// PROOF-08, PROOF-09, META-33: each way to name a key, as it goes into the credential.
#[tokio::test]
async fn a_key_is_bound_as_it_was_named() {
    for algorithm in [Es256, EdDsa] {
        let key = key(algorithm);
        let (jwk, did_key) = (did::to_did_jwk(key.public_key()), did::to_did_key(key.public_key()));
        let fragment = did_key.trim_start_matches("did:key:");
        let (jwk_url, key_url) = (format!("{jwk}#0"), format!("{did_key}#{fragment}"));
        let did = |url: &str| HolderBinding::Did(url.to_owned());
        let cases = [
            ("PROOF-09: the bare key", HolderBinding::Jwk, HolderBinding::Jwk, Jwk),
            ("PROOF-08: did:jwk", did(&jwk_url), did(&jwk_url), DidJwk),
            ("did:jwk without fragment", did(&jwk), did(&jwk_url), DidJwk),
            ("PROOF-08: did:key", did(&key_url), did(&key_url), DidKey),
            ("did:key without fragment", did(&did_key), did(&key_url), DidKey),
        ];
        for (rule, named, expected, method) in cases {
            let nonce = nonce();
            let proof = NewProof {
                binding: &named,
                credential_issuer: ISSUER,
                client_id: None,
                nonce: Some(&nonce),
                key_attestation: None,
                now: NOW,
            };
            let jwts = Proofs::Jwt(vec![proof.sign(&key).await.unwrap()]);
            let nonce_key = nonce_key();
            let only = |methods| ProofContext { binding_methods: methods, ..context(&nonce_key) };
            let allowed = [method];
            let proofs = verify(&jwts, &only(&allowed)).unwrap();
            let [proof] = proofs.proofs() else { unreachable!() };
            assert_eq!(
                (proof.binding(), proof.public_key()),
                (&expected, key.public_key()),
                "{rule}"
            );
            let all = [Jwk, DidJwk, DidKey].into_iter();
            let others: Vec<BindingMethod> = all.filter(|other| *other != method).collect();
            let refused = verify(&jwts, &only(&others)).map(|_| ());
            assert_eq!(refused, Err(BindingNotSupported), "META-33: {rule}");
        }
    }
}

/// PROOF-08, E19, E20, F01, F06: `kid` leads nowhere but to the key it holds.
#[tokio::test]
async fn a_kid_names_a_key_that_is_in_it() {
    let mine = key(Es256);
    let did = did::to_did_key(mine.public_key());
    let other = did::to_did_key(key(Es256).public_key());
    let private = json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" });
    let private = BASE64_URL_SAFE_NO_PAD.encode(private.to_string());
    let cases = [
        ("PROOF-08: no DID", "1".to_owned(), KidNotSupported),
        ("E19: a path", "../../etc/passwd".into(), KidNotSupported),
        ("E19: SQL", "' OR 1=1--".into(), KidNotSupported),
        ("F01: did:web where it is not wanted", "did:web:127.0.0.1".into(), BindingNotSupported),
        ("F01: did:web with a port", "did:web:10.0.0.1%3A8080#0".into(), BindingNotSupported),
        ("E19: 100 KB", format!("did:key:z{}", "1".repeat(12_000)), BadDid),
        ("E19, E20: a fragment that is not there", format!("{did}#other"), BadDid),
        ("E20: the fragment of another", format!("{did}#{}", &other["did:key:".len()..]), BadDid),
        ("F06: not base58", "did:key:z0OIl".into(), BadDid),
        (
            "F06: an unknown kind of key",
            "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc".into(),
            BadDid,
        ),
        ("F06: no JSON", "did:jwk:e30x".into(), BadDid),
        ("PROOF-31: a private key inside", format!("did:jwk:{private}"), BadDid),
        ("E21: the key of another", other.clone(), WrongSignature),
    ];
    for (rule, kid, expected) in cases {
        let head = merged(header(&mine), &json!({ "jwk": null, "kid": kid }));
        let jwt = jwt(&head, &claims().to_string(), &mine).await;
        assert_eq!(verdict(jwt), Err(expected), "{rule}");
    }
    for kid in [json!(1), json!([did]), json!({})] {
        let head = merged(header(&mine), &json!({ "jwk": null, "kid": kid }));
        let jwt = jwt(&head, &claims().to_string(), &mine).await;
        assert_eq!(verdict(jwt), Err(KidNotSupported), "PROOF-08: {kid}");
    }
}

/// PROOF-09, E23: the first certificate of `x5c` holds the key.
#[tokio::test]
async fn a_certificate_names_the_key() {
    let key = key(Es256);
    let chain = |made: Timestamp| {
        let ca = DevelopmentCa::generate("Wallet CA", made).unwrap();
        let url = "https://wallet.example";
        let leaf = ca.signing_certificate(key.public_key(), "Wallet", url, made).unwrap();
        let pem = format!("{leaf}{}", ca.certificate_pem());
        (ca, x5c_from_pem(&pem).unwrap())
    };
    let (ca, good) = chain(NOW);
    let ca_key = SoftwareKey::from_pem(&ca.key_pem()).unwrap();
    let many = vec![good[0].clone(); 9];
    let year = 365 * 86_400;
    let (old, early) = (chain(NOW.minus(5 * year)).1, chain(NOW.plus(year)).1);
    let cases = [
        ("PROOF-09: a chain", x5c_to_json(&good), &key, Ok(())),
        ("PROOF-09: the leaf alone", x5c_to_json(&good[..1]), &key, Ok(())),
        ("E21: the key of another", x5c_to_json(&good), &ca_key, Err(WrongSignature)),
        ("E23: expired", x5c_to_json(&old), &key, Err(BadCertificate)),
        ("E23: not yet valid", x5c_to_json(&early), &key, Err(BadCertificate)),
        ("E23: not for messages", x5c_to_json(&good[1..]), &ca_key, Err(BadCertificate)),
        ("E23: nine certificates", x5c_to_json(&many), &key, Err(BadCertificate)),
        ("none", json!([]), &key, Err(BadCertificate)),
        ("a string", json!("MII"), &key, Err(BadCertificate)),
        ("no certificate", json!(["AAAA"]), &key, Err(BadCertificate)),
        ("no base64", json!(["-_"]), &key, Err(BadCertificate)),
    ];
    for (rule, x5c, signer, expected) in cases {
        let head = merged(header(&key), &json!({ "jwk": null, "x5c": x5c }));
        let jwt = jwt(&head, &claims().to_string(), signer).await;
        assert_eq!(verdict(jwt.clone()), expected, "{rule}");
        let nonce_key = nonce_key();
        let dids = ProofContext { binding_methods: &[DidJwk], ..context(&nonce_key) };
        let refused = verify(&Proofs::Jwt(vec![jwt]), &dids).map(|_| ());
        assert_eq!(refused, Err(BindingNotSupported), "META-33: {rule}");
    }
}

/// From draft 12 to 15 a certificate may come beside the name of a key: it is to be for the key that
/// signs. In 1.0 it may not (PROOF-07).
#[tokio::test]
async fn a_certificate_beside_a_key_is_for_the_same() {
    let (mine, other) = (key(Es256), key(Es256));
    let ca = DevelopmentCa::generate("Wallet CA", NOW).unwrap();
    let chain = |key: &SoftwareKey| {
        let url = "https://wallet.example";
        let leaf = ca.signing_certificate(key.public_key(), "Wallet", url, NOW).unwrap();
        x5c_to_json(&x5c_from_pem(&leaf).unwrap())
    };
    let did = did::to_did_jwk(mine.public_key());
    let (jwk, kid) = (header(&mine)["jwk"].clone(), json!(did));
    let cases = [
        (json!({ "jwk": jwk, "x5c": chain(&mine) }), Ok(())),
        (json!({ "jwk": null, "kid": kid, "x5c": chain(&mine) }), Ok(())),
        (json!({ "jwk": jwk, "x5c": chain(&other) }), Err(BadCertificate)),
        (json!({ "jwk": jwk, "x5c": [] }), Err(BadCertificate)),
        (json!({ "jwk": jwk, "kid": kid, "x5c": chain(&mine) }), Err(SeveralKeys)),
        (json!({ "jwk": null, "x5c": chain(&mine) }), Ok(())),
    ];
    let nonce_key = nonce_key();
    let of_draft = ProofContext { takes_certificates_beside_keys: true, ..context(&nonce_key) };
    for (more, expected) in cases {
        let jwt = jwt(&merged(header(&mine), &more), &claims().to_string(), &mine).await;
        let read = verify(&Proofs::Jwt(vec![jwt.clone()]), &of_draft).map(|_| ());
        assert_eq!(read, expected, "{more}");
        let is_one = more["jwk"].is_null() && more.get("kid").is_none();
        let today = if is_one { Ok(()) } else { Err(SeveralKeys) };
        assert_eq!(verdict(jwt), today, "{more}");
    }
}

/// VCI §F.1: what our Wallet sends.
#[tokio::test]
async fn our_proof_is_the_one_of_the_spec() {
    let key = key(Es256);
    let part = |jwt: &str, place| -> Map<String, Value> {
        let part = jwt.split('.').nth(place).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let proof = NewProof {
        binding: &HolderBinding::Jwk,
        credential_issuer: ISSUER,
        client_id: None,
        nonce: None,
        key_attestation: None,
        now: NOW,
    };
    let anonymous = proof.sign(&key).await.unwrap();
    assert_eq!(Value::Object(part(&anonymous, 0)), header(&key), "PROOF-05 to PROOF-07, PROOF-09");
    let expected = json!({ "aud": ISSUER, "iat": NOW.0 });
    assert_eq!(Value::Object(part(&anonymous, 1)), expected, "PROOF-13 to PROOF-15");

    let named = NewProof { client_id: Some("wallet"), nonce: Some("n"), ..proof };
    let named = named.sign(&key).await.unwrap();
    let expected = json!({ "aud": ISSUER, "iat": NOW.0, "iss": "wallet", "nonce": "n" });
    assert_eq!(Value::Object(part(&named, 1)), expected, "PROOF-12, PROOF-16");
}

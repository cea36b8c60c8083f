//! Keys of other servers, and what they sign (RFC 7517 §5).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::jws::{Jws, JwsError, RefusedAlgorithm};
use keys::key_set::{KeySet, KeySetError};
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Value, json};

fn encode(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn input(header: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(r#"{"sub":"ada"}"#))
}

/// An RSA key with its public half as a JSON Web Key.
struct Rsa(KeyPair);

impl Rsa {
    fn new(size: KeySize) -> Self {
        Self(KeyPair::generate(size).unwrap())
    }

    fn jwk(&self, more: &Value) -> Value {
        // Behind the headers of the sequence and of the number, and a zero; then 65537.
        let modulus = self.0.public_key().as_ref().get(9..265).unwrap();
        let mut jwk = json!({ "kty": "RSA", "n": encode(modulus), "e": "AQAB" });
        let members = more.as_object().unwrap().clone();
        jwk.as_object_mut().unwrap().extend(members);
        jwk
    }

    fn sign(&self, header: &Value, encoding: &'static dyn RsaEncoding) -> String {
        let input = input(header);
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0.sign(encoding, &random, input.as_bytes(), &mut signature).unwrap();
        format!("{input}.{}", encode(signature))
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn verdict(jwt: &str, keys: &[Value]) -> Result<(), KeySetError> {
    set(keys).verify(&Jws::parse_with_rsa(jwt, 8192).unwrap())
}

/// RFC 7518 §3.3, RFC 7518 §3.5: what most providers sign with, and each only as the key allows.
#[test]
fn rsa_verifies_what_the_key_is_for() {
    let key = Rsa::new(KeySize::Rsa2048);
    let (rs256, ps256) = (json!({ "alg": "RS256" }), json!({ "alg": "PS256" }));
    let pkcs1 = key.sign(&rs256, &RSA_PKCS1_SHA256);
    let pss = key.sign(&ps256, &RSA_PSS_SHA256);
    let any = key.jwk(&json!({}));
    let only = |alg: &str| key.jwk(&json!({ "alg": alg, "use": "sig" }));
    let unknown = Err(KeySetError::UnknownKey);
    assert_eq!(verdict(&pkcs1, std::slice::from_ref(&any)), Ok(()));
    assert_eq!(verdict(&pss, std::slice::from_ref(&any)), Ok(()));
    assert_eq!(verdict(&pkcs1, &[only("RS256")]), Ok(()));
    assert_eq!(verdict(&pkcs1, &[only("PS256")]), unknown, "RFC 8725 §3.1");
    assert_eq!(verdict(&pss, &[only("RS256")]), unknown);
    assert_eq!(verdict(&pkcs1, &[only("RS512")]), unknown, "an algorithm that we do not know");
    let swapped = key.sign(&ps256, &RSA_PKCS1_SHA256);
    let wrong = Err(KeySetError::WrongSignature);
    assert_eq!(verdict(&swapped, std::slice::from_ref(&any)), wrong);
    let other = Rsa::new(KeySize::Rsa2048).jwk(&json!({}));
    assert_eq!(verdict(&pkcs1, std::slice::from_ref(&other)), wrong);
    assert_eq!(verdict(&pkcs1, &[other, any]), Ok(()), "without kid each may have signed");
}

/// Whoever can read the set can write a key of it into a JWT; short keys can be factored.
#[test]
fn a_key_that_proves_nothing_is_not_in_the_set() {
    let key = Rsa::new(KeySize::Rsa2048);
    let jwt = key.sign(&json!({ "alg": "RS256" }), &RSA_PKCS1_SHA256);
    let short = json!({ "kty": "RSA", "n": encode([0xff; 128]), "e": "AQAB" });
    for (row, jwk) in [
        ("for encryption", key.jwk(&json!({ "use": "enc" }))),
        ("not to verify", key.jwk(&json!({ "key_ops": ["encrypt"] }))),
        ("a private key", key.jwk(&json!({ "d": "AQAB" }))),
        ("a long exponent", key.jwk(&json!({ "e": encode([1; 5]) }))),
        ("1024 bits", short),
        ("no number", key.jwk(&json!({ "n": "!" }))),
        ("no key", json!("RSA")),
    ] {
        assert_eq!(verdict(&jwt, &[jwk]), Err(KeySetError::UnknownKey), "{row}");
    }
    for text in ["[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), KeySetError::Unreadable, "{text}");
    }
}

/// `kid` chooses, `alg` must fit, and nothing that everybody can make is taken.
#[tokio::test]
async fn elliptic_keys_are_found_by_their_names() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let signed = async |header: Value| {
        let input = input(&header);
        format!("{input}.{}", encode(key.sign(input.as_bytes()).await.unwrap()))
    };
    let mut jwk = Value::from(key.public_key().to_jwk());
    jwk["kid"] = "now".into();
    let keys = [jwk];
    assert_eq!(verdict(&signed(json!({ "alg": "ES256", "kid": "now" })).await, &keys), Ok(()));
    let unknown = Err(KeySetError::UnknownKey);
    assert_eq!(verdict(&signed(json!({ "alg": "ES256", "kid": "new" })).await, &keys), unknown);
    assert_eq!(verdict(&signed(json!({ "alg": "ES384", "kid": "now" })).await, &keys), unknown);
    assert_eq!(verdict(&signed(json!({ "alg": "RS256", "kid": "now" })).await, &keys), unknown);
    let foreign = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let embedded = json!({ "alg": "ES256", "jwk": foreign.public_key().to_jwk() });
    let input = input(&embedded);
    let forged = format!("{input}.{}", encode(foreign.sign(input.as_bytes()).await.unwrap()));
    assert_eq!(verdict(&forged, &keys), Err(KeySetError::WrongSignature), "RFC 8725 §3.8");
    for (alg, error) in [
        ("none", JwsError::NoneAlgorithm),
        ("HS256", JwsError::MacAlgorithm),
        ("RS512", JwsError::UnknownAlgorithm(RefusedAlgorithm::of_rsa_too("RS512"))),
    ] {
        let jwt = signed(json!({ "alg": alg })).await;
        assert_eq!(Jws::parse_with_rsa(&jwt, 8192).unwrap_err(), error, "{alg}");
    }
}

//! Keys from strangers, keys of our own, and what they verify.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::public_key::{KeyError, PublicKey, Thumbprint};
use keys::signer::{SignError, Signer as _, SoftwareKey};
use serde_json::{Value, json};

const ALL: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];

/// The key of the ES256 example in RFC 7515.
fn p256() -> Value {
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

/// The key of the examples in RFC 8037.
fn ed25519() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk.as_object_mut().unwrap().insert(name.to_owned(), value.into());
    jwk
}

/// RFC 7638 §3, RFC 8037 §A.3
#[test]
fn thumbprints_are_those_of_the_rfc() {
    let key = PublicKey::from_jwk(&ed25519()).unwrap();
    let thumbprint = key.thumbprint();
    assert_eq!(thumbprint.to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let uri = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:\
               kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(thumbprint.to_uri(), uri, "RFC 9278 §3");
    assert_eq!(Thumbprint::parse(&thumbprint.to_string()), Some(thumbprint));
    for text in ["", "kPrK", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k="] {
        assert_eq!(Thumbprint::parse(text), None);
    }
}

#[test]
fn a_thumbprint_does_not_depend_on_optional_members() {
    let decorated = with(with(with(p256(), "kid", "1"), "use", "sig"), "alg", "ES256");
    let decorated = with(decorated, "key_ops", json!(["verify"]));
    let plain = PublicKey::from_jwk(&p256()).unwrap();
    let decorated = PublicKey::from_jwk(&decorated).unwrap();
    assert_eq!(plain.thumbprint(), decorated.thumbprint());
    assert_eq!(Value::from(decorated.to_jwk()), p256());
}

/// Catalogue E15
#[test]
fn a_private_key_is_refused_as_such_and_not_shown() {
    for name in ["d", "p", "q", "k"] {
        let error = PublicKey::from_jwk(&with(p256(), name, "c2VjcmV0")).unwrap_err();
        assert_eq!(error, KeyError::PrivateKey);
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"));
    }
}

/// Catalogue E18
#[test]
fn a_key_that_is_no_key_is_refused() {
    let zeros = |length: usize| "A".repeat(length);
    let swapped = with(with(p256(), "x", p256()["y"].clone()), "y", p256()["x"].clone());
    let cases = [
        ("not an object", json!([]), KeyError::Malformed),
        ("no type", json!({ "crv": "P-256" }), KeyError::Malformed),
        ("no y", json!({ "kty": "EC", "crv": "P-256", "x": p256()["x"] }), KeyError::Malformed),
        ("RSA", json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }), KeyError::UnsupportedKey),
        ("P-256 called secp256k1", with(p256(), "crv", "secp256k1"), KeyError::NotOnCurve),
        ("Brainpool", with(p256(), "crv", "brainpoolP256r1"), KeyError::UnsupportedKey),
        ("Ed25519 as EC", with(ed25519(), "kty", "EC"), KeyError::UnsupportedKey),
        ("P-256 as OKP", with(p256(), "kty", "OKP"), KeyError::UnsupportedKey),
        ("X25519", with(ed25519(), "crv", "X25519"), KeyError::UnsupportedKey),
        ("P-256 called P-384", with(p256(), "crv", "P-384"), KeyError::WrongLength),
        ("alg of another curve", with(p256(), "alg", "ES384"), KeyError::OtherAlgorithm),
        ("alg of a MAC", with(p256(), "alg", "HS256"), KeyError::OtherAlgorithm),
        ("only to sign", with(p256(), "key_ops", json!(["sign"])), KeyError::NotForSignatures),
        ("key_ops as text", with(p256(), "key_ops", "verify"), KeyError::NotForSignatures),
        ("for encryption", with(p256(), "use", "enc"), KeyError::NotForSignatures),
        ("not on the curve", swapped, KeyError::NotOnCurve),
        ("infinity", with(with(p256(), "x", zeros(43)), "y", zeros(43)), KeyError::NotOnCurve),
        ("31 bytes", with(p256(), "x", zeros(42)), KeyError::WrongLength),
        ("33 bytes", with(p256(), "x", zeros(44)), KeyError::WrongLength),
        ("padding", with(p256(), "x", format!("{}=", zeros(43))), KeyError::Malformed),
        ("stray bits", with(p256(), "x", format!("{}B", zeros(42))), KeyError::Malformed),
        ("a number", with(p256(), "x", 5), KeyError::Malformed),
        ("Ed25519 of 31 bytes", with(ed25519(), "x", zeros(40)), KeyError::WrongLength),
    ];
    for (name, jwk, error) in cases {
        assert_eq!(PublicKey::from_jwk(&jwk), Err(error), "{name}");
    }
}

/// Catalogue E18: orders 4, 1, 2, 8, 8, with and without the sign of x, and the same numbers
/// spelt above the prime.
#[test]
fn ed25519_points_of_small_order_are_refused() {
    for x in [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
        "7P_______________________________________38",
        "7P________________________________________8",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o",
        "7f_______________________________________38",
        "7f________________________________________8",
        "7v_______________________________________38",
        "7v________________________________________8",
        "_________________________________________38",
        "__________________________________________8",
    ] {
        let key = PublicKey::from_jwk(&with(ed25519(), "x", x));
        assert_eq!(key, Err(KeyError::NotOnCurve), "{x}");
    }
}

#[tokio::test]
async fn what_a_key_signs_its_public_key_verifies() {
    for algorithm in ALL {
        let key = SoftwareKey::generate(algorithm).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let signature = key.sign(b"message").await.unwrap();
        let jwk = Value::from(key.public_key().to_jwk());
        let public_key = PublicKey::from_jwk(&jwk).unwrap();
        assert_eq!(&public_key, key.public_key());
        assert_eq!(public_key.verify(b"message", &signature), Ok(()));
        assert_eq!(public_key.verify(b"massage", &signature), Err(KeyError::WrongSignature));
        let other = SoftwareKey::generate(algorithm).unwrap();
        let verdict = other.public_key().verify(b"message", &signature);
        assert_eq!(verdict, Err(KeyError::WrongSignature));
    }
}

/// Catalogue E17
#[tokio::test]
async fn signatures_of_another_form_are_refused() {
    for algorithm in ALL {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let signature = key.sign(b"message").await.unwrap();
        let shortened = signature[..signature.len() - 1].to_vec();
        let lengthened = [&signature[..], &[0]].concat();
        let zeros = vec![0; signature.len()];
        let r_is_zero = [&zeros[..zeros.len() / 2], &signature[zeros.len() / 2..]].concat();
        let s_is_zero = [&signature[..zeros.len() / 2], &zeros[zeros.len() / 2..]].concat();
        let too_big = vec![0xff; signature.len()];
        let der =
            [&[0x30, 0x44, 0x02, 0x20], &signature[..32], &[2, 32], &signature[32..]].concat();
        for bad in [shortened, lengthened, zeros, r_is_zero, s_is_zero, too_big, der, vec![]] {
            let verdict = key.public_key().verify(b"message", &bad);
            assert_eq!(verdict, Err(KeyError::WrongSignature), "{algorithm} {bad:?}");
        }
    }
}

#[test]
fn private_keys_survive_pkcs8_and_pem() {
    for algorithm in ALL {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let again = SoftwareKey::from_pkcs8(&key.to_pkcs8()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let pem = key.to_pem();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let again = SoftwareKey::from_pem(&pem).unwrap();
        assert_eq!((again.public_key(), again.algorithm()), (key.public_key(), algorithm));
        let shown = format!("{key:?}");
        assert_eq!(
            shown,
            format!("SoftwareKey(PublicKey({algorithm} {}))", again.public_key().thumbprint())
        );
    }
}

#[test]
fn what_is_no_private_key_is_refused() {
    for pem in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "nonsense"] {
        assert_eq!(SoftwareKey::from_pem(pem).unwrap_err(), SignError::UnreadableKey);
    }
    assert_eq!(SoftwareKey::from_pkcs8(&[0; 64]).unwrap_err(), SignError::UnreadableKey);
}

/// CVE-2017-15361: whoever sees such a key can sign with it.
#[test]
fn an_rsa_key_that_can_be_guessed_is_refused() {
    // A power of 65537 leaves such a power by every prime; the next number does not. In digits of 16
    // bits, the last one first, to multiply is to add.
    let mut digits = vec![1_u32];
    for _ in 0..128 {
        let mut carry = 0;
        let shifted = std::iter::once(&0).chain(&digits);
        let sums = shifted.zip(digits.iter().chain([&0])).map(|(one, other)| {
            let sum = one + other + carry;
            carry = sum >> 16;
            sum & 0xffff
        });
        digits = sums.collect();
    }
    let key = |first: u32| {
        let all = std::iter::once(&first).chain(&digits[1..]).rev();
        let bytes: Vec<u8> = all.flat_map(|digit| digit.to_be_bytes()[2..].to_vec()).collect();
        let modulus = base64::Engine::encode(&BASE64_URL_SAFE_NO_PAD, bytes);
        let jwk = json!({ "kty": "RSA", "alg": "RS256", "n": modulus, "e": "AQAB" });
        PublicKey::from_jwk_or_rsa(&jwk)
    };
    assert_eq!(key(digits[0]), Err(KeyError::Guessable));
    assert!(key(digits[0] + 2).is_ok());
}

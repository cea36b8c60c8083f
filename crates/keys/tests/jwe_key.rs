//! Keys to encrypt for and to decrypt with, as strangers send them and as we keep them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use keys::jwe::EncryptionKeyError::{
    BadKid, Malformed, NoAlgorithm, NotForEncryption, NotOnCurve, OtherHalf, PrivateKey,
    UnreadableFile, UnsupportedAlgorithm, UnsupportedCurve, WrongLength,
};
use keys::jwe::{
    Curve, DecryptionKey, EncryptionKey, EncryptionKeyError, KID_BYTES_MAX, KeyManagement,
};
use serde_json::{Value, json};

/// The example of VCI §12.2.4.
fn jwk() -> Value {
    json!({
        "kty": "EC", "kid": "ac", "use": "enc", "crv": "P-256", "alg": "ECDH-ES",
        "x": "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk",
        "y": "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk",
    })
}

fn with(member: &str, value: impl Into<Value>) -> Value {
    let mut jwk = jwk();
    jwk.as_object_mut().unwrap().insert(member.into(), value.into());
    jwk
}

fn without(member: &str) -> Value {
    let mut jwk = jwk();
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

#[test]
fn a_key_says_what_it_is_for_and_is_safe() {
    let y_of_another = "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw";
    let cases: Vec<(&str, Value, Result<(), EncryptionKeyError>)> = vec![
        ("the example", jwk(), Ok(())),
        ("RFC 7517 §4.5: no kid", without("kid"), Ok(())),
        ("RFC 7517 §4.2: no use", without("use"), Ok(())),
        ("RFC 7517 §4.3: as browsers write it", with("key_ops", json!([])), Ok(())),
        ("RFC 7517 §4.3: agreement", with("key_ops", json!(["deriveBits"])), Ok(())),
        ("RFC 7517 §4: unknown members", with("x5t", 1), Ok(())),
        ("wrapping", with("alg", "ECDH-ES+A256KW"), Ok(())),
        ("ENC-02, H07", without("alg"), Err(NoAlgorithm)),
        ("AMB-23", with("alg", "UNSUPPORTED_ALG"), Err(UnsupportedAlgorithm)),
        ("a signature", with("alg", "ES256"), Err(UnsupportedAlgorithm)),
        ("alg is no text", with("alg", 1), Err(UnsupportedAlgorithm)),
        ("RSA", with("alg", "RSA-OAEP-256"), Err(UnsupportedAlgorithm)),
        ("RFC 7517 §4.2", with("use", "sig"), Err(NotForEncryption)),
        ("RFC 7517 §4.3", with("key_ops", json!(["verify"])), Err(NotForEncryption)),
        ("key_ops is no array", with("key_ops", "deriveBits"), Err(NotForEncryption)),
        ("kid is no text", with("kid", 1), Err(BadKid)),
        ("H07: a long kid", with("kid", "k".repeat(KID_BYTES_MAX + 1)), Err(BadKid)),
        ("kid as long as allowed", with("kid", "k".repeat(KID_BYTES_MAX)), Ok(())),
        ("H07: a private key", with("d", "AQ"), Err(PrivateKey)),
        ("a symmetric key", with("k", "AQ"), Err(PrivateKey)),
        ("no type", without("kty"), Err(Malformed)),
        ("another type", with("kty", "OKP"), Err(UnsupportedCurve)),
        ("no curve", without("crv"), Err(UnsupportedCurve)),
        ("another curve", with("crv", "secp256k1"), Err(UnsupportedCurve)),
        ("a curve for signatures", with("crv", "Ed25519"), Err(UnsupportedCurve)),
        ("no coordinate", without("y"), Err(Malformed)),
        ("padding", with("x", "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk="), Err(Malformed)),
        ("RFC 7518 §6.2.1.2: short", with("x", "YO4epjifD-KWeq1sL2tNmm36"), Err(WrongLength)),
        ("E18", with("y", y_of_another), Err(NotOnCurve)),
        ("H07: two keys", json!([jwk(), jwk()]), Err(Malformed)),
        ("H07: a set", json!({ "keys": [jwk()], "alg": "ECDH-ES" }), Err(Malformed)),
        ("no object", json!("key"), Err(Malformed)),
    ];
    for (name, jwk, expected) in cases {
        assert_eq!(EncryptionKey::from_jwk(&jwk).map(|_| ()), expected, "{name}");
    }
}

#[test]
fn a_public_key_keeps_its_members() {
    let key = EncryptionKey::from_jwk(&jwk()).unwrap();
    assert_eq!(Value::Object(key.to_jwk()), jwk());
    let nameless = EncryptionKey::from_jwk(&without("kid")).unwrap();
    assert_eq!(Value::Object(nameless.to_jwk()), without("kid"));
    assert_eq!(key.thumbprint(), nameless.thumbprint(), "RFC 7638 §3");
    assert_ne!(key, nameless);
}

#[test]
fn a_private_key_is_kept_in_two_ways() {
    for curve in Curve::ALL {
        for algorithm in KeyManagement::ALL {
            let key = DecryptionKey::generate(curve, algorithm).unwrap();
            let public = key.encryption_key();
            assert_eq!(public.algorithm(), algorithm);
            assert_eq!(public.kid(), Some(&*public.thumbprint().to_string()));
            assert_eq!(public.kid(), Some(key.kid()));
            let from_pem = DecryptionKey::from_pem(&key.to_pem(), algorithm).unwrap();
            assert_eq!(from_pem.encryption_key(), public);
            let from_jwk = DecryptionKey::from_jwk(&key.to_jwk()).unwrap();
            assert_eq!(from_jwk.encryption_key(), public);
            assert_eq!(from_jwk.to_jwk(), key.to_jwk());
            let mut jwk: Value = serde_json::from_str(&key.to_jwk()).unwrap();
            jwk.as_object_mut().unwrap().remove("kid");
            let nameless = DecryptionKey::from_jwk(&jwk.to_string()).unwrap();
            assert_eq!(nameless.encryption_key(), public);
            jwk.as_object_mut().unwrap().insert("kid".into(), "2026-11".into());
            assert_eq!(DecryptionKey::from_jwk(&jwk.to_string()).unwrap().kid(), "2026-11");
            assert_eq!(from_jwk.to_pem(), key.to_pem());
        }
    }
}

/// Made by `openssl genpkey`, for this test only: what operators bring.
#[test]
fn keys_of_another_program_are_read() {
    let cases = [
        (
            "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1kv7uNjWU4VQhJyO\n\
             A5JJDP+2g4DVHBRc1kJLzvuTWJmhRANCAARV8HUDvcHdIRM/EIJK7Ef2kr9hBgb0\n\
             xaPTRFz0uLrs91NpundTB6T39txwO6C0GzUiN+6xws9On9eIPsmrBNG7",
            ("P-256", "VfB1A73B3SETPxCCSuxH9pK_YQYG9MWj00Rc9Li67Pc"),
        ),
        (
            "MC4CAQAwBQYDK2VuBCIEIJAI0AUCUk+UQr9joc1IEx8RmhQ6N+Lw5afMJgWpMX5m",
            ("X25519", "R710gsSIqbdrtKBZfaJXFxvNoFrefFus5ymtyYSvSFI"),
        ),
    ];
    for (pem, (crv, x)) in cases {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
        let key = DecryptionKey::from_pem(&pem, KeyManagement::EcdhEs).unwrap();
        let jwk = key.encryption_key().to_jwk();
        assert_eq!((jwk["crv"].as_str(), jwk["x"].as_str()), (Some(crv), Some(x)));
        assert_eq!(*key.to_pem(), pem);
    }
}

#[test]
fn no_other_file_is_taken_for_a_private_key() {
    let key = DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap();
    let pem = key.to_pem();
    let algorithm = KeyManagement::EcdhEs;
    for wrong in ["", "key", &pem.replace("PRIVATE", "PUBLIC"), &pem[..pem.len() / 2]] {
        assert_eq!(DecryptionKey::from_pem(wrong, algorithm).unwrap_err(), UnreadableFile);
    }
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut jwk: Value = serde_json::from_str(&key.to_jwk()).unwrap();
        change(&mut jwk);
        DecryptionKey::from_jwk(&jwk.to_string()).map(|_| ()).unwrap_err()
    };
    let other = DecryptionKey::generate(Curve::P256, algorithm).unwrap();
    let other: Value = serde_json::from_str(&other.to_jwk()).unwrap();
    assert_eq!(changed(&|jwk| jwk["d"] = other["d"].clone()), OtherHalf);
    assert_eq!(changed(&|jwk| jwk["d"] = "AQ".into()), OtherHalf);
    assert_eq!(changed(&|jwk| jwk["d"] = 1.into()), Malformed);
    assert_eq!(changed(&|jwk| jwk["k"] = "AQ".into()), PrivateKey);
    assert_eq!(changed(&|jwk| jwk["alg"] = Value::Null), UnsupportedAlgorithm);
    let public = Value::Object(key.encryption_key().to_jwk()).to_string();
    assert_eq!(DecryptionKey::from_jwk(&public).unwrap_err(), Malformed);
    assert_eq!(DecryptionKey::from_jwk("{").unwrap_err(), Malformed);
}

/// Catalogue R01
#[test]
fn a_private_key_is_not_shown() {
    let key = DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap();
    let jwk: Value = serde_json::from_str(&key.to_jwk()).unwrap();
    let shown = format!("{key:?}");
    assert!(shown.starts_with("DecryptionKey(.. of EncryptionKey(ECDH-ES P-256 "), "{shown}");
    assert!(!shown.contains(jwk["d"].as_str().unwrap()), "{shown}");
}

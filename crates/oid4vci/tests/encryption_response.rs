//! VCI §8.2 and VCI §8.3 as tables: the wish for an encrypted response, and the response.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod asking;
mod fixture;
mod sealing;

use asking::{asking, request};
use keys::digest::MacKey;
use keys::jwe::{Compression, ContentEncryption, Curve, DecryptionKey, Jwe, KeyManagement};
use oid4vci::credential::Record;
use oid4vci::deferred::{Deferral, check_response_key};
use oid4vci::encryption::Encryption::{Off, Offered};
use oid4vci::encryption::EncryptionRefusal::{
    BadKey, Incomplete, KeyChanged, NoAlgorithm, PrivateKey, UnsupportedAlgorithm,
    UnsupportedCompression, UnsupportedEncryption,
};
use oid4vci::encryption::{EncryptionPolicy, JSON, JWT, ReceivedBody, seal};
use sealing::{encrypt, key, open, policy, with};
use serde_json::{Value, json};

/// CRED-12, CRED-60, ENC-02, ENC-06, ENC-13, H07: `credential_response_encryption`.
#[test]
fn a_wish_for_an_encrypted_response_is_complete_and_announced() {
    let (ours, wallets) = (key(), key());
    let good = asking(&wallets);
    let jwk = good["jwk"].clone();
    let enc = |value: Value| with(&good, "enc", value);
    let zip = |value: Value| with(&good, "zip", value);
    let key = |member: &str, value: Value| with(&good, "jwk", with(&jwk, member, value));
    let montgomery = DecryptionKey::generate(Curve::X25519, KeyManagement::EcdhEs).unwrap();
    let cases = [
        ("good", good.clone(), Ok(())),
        ("ENC-08", zip(json!("DEF")), Ok(())),
        ("CRED-20: unknown members", with(&good, "alg", "ECDH-ES"), Ok(())),
        ("ENC-03: no kid", key("kid", Value::Null), Ok(())),
        ("X25519", asking(&montgomery), Ok(())),
        ("CRED-12: no key", with(&good, "jwk", Value::Null), Err(Incomplete)),
        ("CRED-12: no enc", enc(Value::Null), Err(Incomplete)),
        ("CRED-12: no object", json!("A256GCM"), Err(Incomplete)),
        ("CRED-12: two", json!([good]), Err(Incomplete)),
        ("ENC-02, H07", key("alg", Value::Null), Err(NoAlgorithm)),
        ("AMB-23, H04", key("alg", json!("UNSUPPORTED_ALG")), Err(UnsupportedAlgorithm)),
        ("AMB-23: no text", key("alg", json!(1)), Err(UnsupportedAlgorithm)),
        ("ENC-06, H04", key("alg", json!("ECDH-ES+A128KW")), Err(UnsupportedAlgorithm)),
        ("H04", key("alg", json!("RSA1_5")), Err(UnsupportedAlgorithm)),
        ("ENC-06, H04", enc(json!("A256CBC-HS512")), Err(UnsupportedEncryption)),
        ("ENC-13", enc(json!("UNSUPPORTED_ENC")), Err(UnsupportedEncryption)),
        ("ENC-13: no text", enc(json!(["A256GCM"])), Err(UnsupportedEncryption)),
        ("ENC-13", zip(json!("GZIP")), Err(UnsupportedCompression)),
        ("ENC-13: no text", zip(json!(true)), Err(UnsupportedCompression)),
        ("H07: a private part", key("d", json!("AQ")), Err(PrivateKey)),
        ("H07: two keys", with(&good, "jwk", json!([jwk, jwk])), Err(BadKey)),
        ("H07: a set", with(&good, "jwk", json!({ "keys": [jwk] })), Err(NoAlgorithm)),
        ("H07: 16 KB", key("x5c", json!(["A".repeat(16_000)])), Err(BadKey)),
        ("H07: a long kid", key("kid", json!("k".repeat(257))), Err(BadKey)),
        ("ENC-13: another curve", key("crv", json!("secp256k1")), Err(BadKey)),
        ("ENC-04: to sign with", key("use", json!("sig")), Err(BadKey)),
        ("H05", key("x", jwk["y"].clone()), Err(BadKey)),
    ];
    for (rule, asked, expected) in cases {
        let jwe = encrypt(request(asked).to_string(), ours.encryption_key());
        let found = open(&policy(Off, Offered), ReceivedBody::Jwt(jwe.as_bytes()), &ours);
        assert_eq!(found.map(|_| ()), expected, "{rule}");
    }
    let zipless = EncryptionPolicy::new(
        Off,
        Offered,
        vec![KeyManagement::EcdhEs],
        vec![ContentEncryption::A256Gcm],
        Vec::new(),
    );
    let jwe = encrypt(request(zip(json!("DEF"))).to_string(), ours.encryption_key());
    let found = open(&zipless.unwrap(), ReceivedBody::Jwt(jwe.as_bytes()), &ours);
    assert_eq!(found.unwrap_err(), UnsupportedCompression, "ENC-06: zip is not announced");
}

/// CRED-13, CRED-14, CRED-32, CRED-33, DEFER-10, DEFER-15, ENC-02, ENC-03, ENC-07, ENC-08.
#[test]
fn a_response_is_encrypted_as_it_was_asked_for() {
    let ours = key();
    let nameless = |key: &DecryptionKey| {
        let jwk = key.encryption_key().to_jwk();
        with(&jwk.into(), "kid", Value::Null)
    };
    let issued = br#"{"credentials":[{"credential":"a"}]}"#.to_vec();
    let not_yet = br#"{"transaction_id":"t","interval":5}"#.to_vec(); // 202: whatever is in it
    for response in [issued, not_yet] {
        for (kid, enc, zip) in
            [(true, "A128GCM", None), (true, "A256GCM", Some("DEF")), (false, "A256GCM", None)]
        {
            let wallets = key();
            let asked = with(&asking(&wallets), "enc", enc);
            let asked = with(&asked, "zip", zip.map_or(Value::Null, Value::from));
            let asked = if kid { asked } else { with(&asked, "jwk", nameless(&wallets)) };
            let jwe = encrypt(request(asked).to_string(), ours.encryption_key());
            let body = ReceivedBody::Jwt(jwe.as_bytes());
            let opened = open(&policy(Off, Offered), body, &ours).unwrap();
            let body = seal(response.clone(), opened.response_encryption()).unwrap();
            assert_eq!(body.media_type, JWT);
            let jwe = Jwe::parse(str::from_utf8(&body.bytes).unwrap(), 10_000).unwrap();
            assert_eq!(jwe.kid(), kid.then(|| wallets.kid()));
            assert_eq!(jwe.algorithm(), wallets.encryption_key().algorithm());
            assert_eq!(jwe.encryption().name(), enc);
            assert_eq!(jwe.compression().map(Compression::name), zip);
            assert_eq!(jwe.decrypt(&wallets, 10_000).unwrap()[..], response);
        }
        let clear = request(None).to_string();
        let opened =
            open(&policy(Off, Offered), ReceivedBody::Json(clear.as_bytes()), &ours).unwrap();
        let body = seal(response.clone(), opened.response_encryption()).unwrap();
        assert_eq!((body.media_type, body.bytes), (JSON, response));
    }
}

/// H11, DEFER-10: in strict mode the key of the first request stays.
#[test]
fn in_strict_mode_a_deferred_response_keeps_its_key() {
    let (ours, first, other) = (key(), key(), key());
    let opened = |asked: Option<Value>| {
        let jwe = encrypt(request(asked).to_string(), ours.encryption_key());
        open(&policy(Off, Offered), ReceivedBody::Jwt(jwe.as_bytes()), &ours).unwrap()
    };
    let (grant, mac) = (fixture::redeemed(), MacKey::new([3; 32]));
    let credential_configuration_id = "student_card";
    let record = Record {
        grant: &grant,
        credential_configuration_id,
        thumbprints: vec![None],
        beside: Vec::new(),
        used: None,
    };
    let times = (fixture::NOW, fixture::NOW.plus(60));
    let plain = || Deferral::new(&record, None, &mac, times);
    let thumbprint = first.encryption_key().thumbprint();
    let (bound, transaction_id) = plain().0.under(&thumbprint, &mac);
    assert!(bound.transaction_digest.matches(&transaction_id.digest()));
    assert_eq!(transaction_id.deferral_id(), Some(bound.id), "it is found in the same way");
    assert_ne!(transaction_id.expose(), plain().1.expose());
    let other_enc = with(&asking(&first), "enc", "A128GCM");
    let cases = [
        ("the same", &bound, Some(asking(&first)), Ok(())),
        ("the same, encrypted in another way", &bound, Some(other_enc), Ok(())),
        ("another", &bound, Some(asking(&other)), Err(KeyChanged)),
        ("in the clear at once", &bound, None, Err(KeyChanged)),
        ("it was in the clear", &plain().0, Some(asking(&other)), Ok(())),
        ("never", &plain().0, None, Ok(())),
    ];
    for (name, deferral, asked, expected) in cases {
        let found = check_response_key(deferral, opened(asked).response_encryption(), &mac);
        assert_eq!(found, expected, "{name}");
    }
}

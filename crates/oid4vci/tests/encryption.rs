//! VCI §10 as tables, for the Issuer: what it announces, takes and refuses, and how it answers.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod asking;
#[macro_use]
mod refusals;
mod sealing;

use asking::{asking, request};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::jwe::{self, Compression, ContentEncryption, EncryptionKey, KeyManagement};
use oid4vci::credential::{CredentialRequest, REQUEST_BYTES_MAX, Selector};
use oid4vci::encryption::Encryption::{self, Off, Offered, Required};
use oid4vci::encryption::EncryptionRefusal::{
    self, CannotDecrypt, KeyInTheClear, NoKid, NoResponseKey, NotAnObject, NotEncrypted,
    RequestMethod, RequestNotSupported, ResponseNotSupported, TooLong, UnknownKid, Unreadable,
};
use oid4vci::encryption::{EncryptionPolicy, ReceivedBody};
use oid4vci::error::{ErrorCode, Refusal as _};
use oid4vci::proof::Proofs;
use refusals::check_texts;
use sealing::{encrypt, key, open, policy, with};
use serde_json::{Map, Value, json, to_value};

const DEFLATE: Option<Compression> = Some(Compression::Deflate);

/// META-19, META-20: both objects, and that requests can be encrypted wherever responses can.
#[test]
fn the_metadata_say_what_is_taken() {
    let keys = [key(), key()];
    let jwks = json!({ "keys": keys.each_ref().map(|key| key.encryption_key().to_jwk()) });
    let cases = [
        ("nothing", Off, Off, None, None),
        ("requests", Offered, Off, Some(false), None),
        ("all requests", Required, Off, Some(true), None),
        ("ENC-11", Off, Offered, Some(false), Some(false)),
        ("ENC-11, CRED-17", Off, Required, Some(true), Some(true)),
        ("CRED-17", Offered, Required, Some(true), Some(true)),
        ("both", Required, Offered, Some(true), Some(false)),
    ];
    for (rule, requests, responses, request, response) in cases {
        let policy = policy(requests, responses);
        let expected = request.map_or(Value::Null, |required| {
            json!({
                "jwks": jwks, // an object: AMB-13
                "enc_values_supported": ["A128GCM", "A256GCM"],
                "zip_values_supported": ["DEF"],
                "encryption_required": required,
            })
        });
        let found = policy.request_metadata(&keys.each_ref());
        assert_eq!(to_value(found).unwrap(), expected, "{rule}");
        let expected = response.map_or(Value::Null, |required| {
            json!({
                "alg_values_supported": ["ECDH-ES"],
                "enc_values_supported": ["A128GCM", "A256GCM"],
                "zip_values_supported": ["DEF"],
                "encryption_required": required,
            })
        });
        assert_eq!(to_value(policy.response_metadata()).unwrap(), expected, "{rule}");
    }
}

/// META-19, META-20: arrays are filled or absent; ENC-02, ENC-10: each key has `alg` and its `kid`.
#[test]
fn the_metadata_hold_nothing_empty_and_no_key_twice() {
    let (alg, enc) = (vec![KeyManagement::EcdhEs], vec![ContentEncryption::A256Gcm]);
    let new = EncryptionPolicy::new;
    assert!(new(Offered, Off, Vec::new(), Vec::new(), Vec::new()).is_none());
    assert!(new(Off, Offered, Vec::new(), enc.clone(), Vec::new()).is_none());
    assert!(new(Off, Offered, alg.clone(), Vec::new(), Vec::new()).is_none());
    assert!(new(Offered, Off, Vec::new(), enc.clone(), Vec::new()).is_some());
    assert!(new(Off, Off, Vec::new(), Vec::new(), Vec::new()).is_some());
    let policy = new(Off, Offered, alg, enc, Vec::new()).unwrap();
    let key = key();
    let request = to_value(policy.request_metadata(&[&key, &key])).unwrap();
    assert_eq!(request.get("zip_values_supported"), None);
    let keys = request["jwks"]["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!((&keys[0]["alg"], &keys[0]["kid"]), (&json!("ECDH-ES"), &json!(key.kid())));
    assert_eq!(keys[0].get("d"), None, "the private half stays");
    let response = to_value(policy.response_metadata()).unwrap();
    assert_eq!(response.get("zip_values_supported"), None);
}

/// CRED-14 to CRED-19, META-21: each kind of request under each policy.
#[test]
fn a_request_is_encrypted_as_the_metadata_say() {
    let (ours, wallets) = (key(), key());
    let asked = asking(&wallets);
    let (without, with) = (request(None).to_string(), request(asked).to_string());
    let sealed = [&without, &with].map(|text| encrypt(text, ours.encryption_key()));
    let bodies = [
        ReceivedBody::Json(without.as_bytes()),
        ReceivedBody::Json(with.as_bytes()),
        ReceivedBody::Jwt(sealed[0].as_bytes()),
        ReceivedBody::Jwt(sealed[1].as_bytes()),
    ];
    let (clear, encrypted) = (Ok(false), Ok(true)); // the response
    let no_jwe = Err(RequestNotSupported);
    let no_key = Err(ResponseNotSupported);
    let plain = Err(NotEncrypted); // ENC-09
    let in_the_clear = Err(KeyInTheClear); // CRED-17, H02
    let missing = Err(NoResponseKey); // CRED-60, H03
    // In the clear without and with a key for the response, encrypted without and with one.
    let cases = [
        (Off, Off, [clear, no_key, no_jwe, no_jwe]),
        (Offered, Off, [clear, no_key, clear, no_key]),
        (Required, Off, [plain, plain, clear, no_key]),
        (Off, Offered, [clear, in_the_clear, clear, encrypted]),
        (Offered, Offered, [clear, in_the_clear, clear, encrypted]),
        (Required, Offered, [plain, plain, clear, encrypted]),
        (Off, Required, [plain, plain, missing, encrypted]),
        (Offered, Required, [plain, plain, missing, encrypted]),
        (Required, Required, [plain, plain, missing, encrypted]),
    ];
    for (requests, responses, expected) in cases {
        let policy = policy(requests, responses);
        let found = bodies.map(|body| {
            open(&policy, body, &ours).map(|opened| opened.response_encryption().is_some())
        });
        assert_eq!(found, expected, "{requests:?} {responses:?}");
    }
}

/// CRED-18, ENC-01: the parameters are the claims of the JWT, and mean what they mean in the clear.
#[test]
fn an_encrypted_request_is_read_like_any_other() {
    let (ours, wallets) = (key(), key());
    let text = json!({
        "credential_identifier": "a", "proofs": { "jwt": ["p"] },
        "credential_response_encryption": asking(&wallets),
        "iss": "wallet", "iat": 1, "x": 1, // AMB-14, CRED-20
    });
    let header = serde_json::from_value(json!({ "typ": "JWT", "cty": "json" })).unwrap(); // AMB-14
    let (recipient, enc) = (ours.encryption_key(), ContentEncryption::A128Gcm);
    let jwe = jwe::encrypt(header, text.to_string().as_bytes(), recipient, enc, DEFLATE).unwrap();
    let policy = policy(Offered, Offered);
    let opened = open(&policy, ReceivedBody::Jwt(jwe.as_bytes()), &ours).unwrap();
    let request = CredentialRequest::from_parameters(opened.parameters(), false).unwrap();
    let expected = CredentialRequest {
        selector: Selector::Identifier("a".into()),
        proofs: Some(Proofs::Jwt(vec!["p".into()])),
    };
    assert_eq!(request, expected);
    assert_eq!(opened.response_encryption().unwrap().key(), wallets.encryption_key());
}

/// CRED-18, CRED-19, H12: what a body is, its media type says, and nothing in it.
#[test]
fn a_body_is_what_its_media_type_says() {
    let cases = [
        ("application/json", "json"),
        ("application/json; charset=utf-8", "json"),
        ("Application/JSON", "json"),
        ("application/jwt", "jwt"),
        ("APPLICATION/JWT ;x=y", "jwt"),
        ("application/jose", "none"),
        ("application/jwt+json", "none"),
        ("text/plain", "none"),
        ("", "none"),
    ];
    for (content_type, expected) in cases {
        let found = match ReceivedBody::new(content_type, b"") {
            Some(ReceivedBody::Json(_)) => "json",
            Some(ReceivedBody::Jwt(_)) => "jwt",
            None => "none",
        };
        assert_eq!(found, expected, "{content_type}");
    }
    let ours = key();
    let policy = policy(Offered, Off);
    let jwe = encrypt("{}", ours.encryption_key());
    let found = open(&policy, ReceivedBody::Json(jwe.as_bytes()), &ours);
    assert_eq!(found.unwrap_err(), NotAnObject);
    let found = open(&policy, ReceivedBody::Jwt(b"{}"), &ours);
    assert_eq!(found.unwrap_err(), Unreadable);
}

/// ENC-02, ENC-03, ENC-05, H01, H04 to H06, H09: the envelope of a request.
#[test]
fn a_request_is_encrypted_by_an_announced_method_for_a_key_of_ours() {
    let (ours, others) = (key(), key());
    let recipient = ours.encryption_key();
    let seal = |text: &[u8], key: &EncryptionKey, enc, zip| {
        jwe::encrypt(Map::new(), text, key, enc, zip).unwrap()
    };
    let enc = ContentEncryption::A256Gcm;
    let good = seal(b"{}", recipient, enc, None);
    let header = |member: &str, value: Value| {
        let (front, rest) = good.split_once('.').unwrap();
        let front = BASE64_URL_SAFE_NO_PAD.decode(front).unwrap();
        let header = with(&serde_json::from_slice(&front).unwrap(), member, value);
        format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    let other_algorithm = with(&recipient.to_jwk().into(), "alg", "ECDH-ES+A256KW");
    let other_algorithm = EncryptionKey::from_jwk(&other_algorithm).unwrap();
    let nameless = EncryptionKey::from_jwk(&with(&recipient.to_jwk().into(), "kid", Value::Null));
    let stranger = with(&others.encryption_key().to_jwk().into(), "kid", ours.kid());
    let stranger = EncryptionKey::from_jwk(&stranger).unwrap();
    let bomb = vec![b' '; REQUEST_BYTES_MAX + 1];
    let (tag, changed) = (good.rsplit_once('.').unwrap().1, "A".repeat(22));
    let off_curve = BASE64_URL_SAFE_NO_PAD.encode([0; 32]);
    let epk = json!({ "kty": "EC", "crv": "P-256", "x": off_curve, "y": off_curve });
    let cases = [
        ("good", good.clone(), Ok(())),
        ("ENC-08", seal(b"{}", recipient, enc, DEFLATE), Ok(())),
        ("ENC-05: the other one", seal(b"{}", recipient, ContentEncryption::A128Gcm, None), Ok(())),
        (
            "ENC-05, H04: not announced",
            seal(b"{}", recipient, ContentEncryption::A128CbcHs256, None),
            Err(RequestMethod),
        ),
        ("ENC-02", seal(b"{}", &other_algorithm, enc, None), Err(RequestMethod)),
        ("H04", header("alg", json!("dir")), Err(RequestMethod)),
        ("H04", header("alg", json!("RSA1_5")), Err(RequestMethod)),
        ("H04", header("alg", json!("PBES2-HS256+A128KW")), Err(RequestMethod)),
        ("ENC-05", header("zip", json!("GZIP")), Err(RequestMethod)),
        ("E16", header("crit", json!(["exp"])), Err(Unreadable)),
        ("ENC-03", seal(b"{}", &nameless.unwrap(), enc, None), Err(NoKid)),
        ("ENC-03: a number", header("kid", json!(1)), Err(NoKid)),
        ("H06", seal(b"{}", others.encryption_key(), enc, None), Err(UnknownKid)),
        ("H05", header("epk", epk), Err(CannotDecrypt)),
        ("H09: another key under our kid", seal(b"{}", &stranger, enc, None), Err(CannotDecrypt)),
        ("H09: another tag", good.replace(tag, &changed), Err(CannotDecrypt)),
        ("H09: another header", header("cty", json!("json")), Err(CannotDecrypt)),
        ("H12: three parts", "e30.e30.e30".into(), Err(Unreadable)),
        ("nothing", String::new(), Err(Unreadable)),
        ("H01: 256 KiB of nothing", seal(&bomb, recipient, enc, DEFLATE), Err(TooLong)),
        ("H01: as it is", seal(&bomb, recipient, enc, None), Err(TooLong)),
        ("ENC-01: no object", seal(b"[]", recipient, enc, None), Err(NotAnObject)),
        ("ENC-01: a signed JWT", seal(b"e30.e30.e30", recipient, enc, None), Err(NotAnObject)),
        ("CRED-54", seal(br#"{"a":1,"a":1}"#, recipient, enc, None), Err(NotAnObject)),
    ];
    for (rule, jwe, expected) in cases {
        let found = open(&policy(Offered, Off), ReceivedBody::Jwt(jwe.as_bytes()), &ours);
        assert_eq!(found.map(|_| ()), expected, "{rule}");
    }
}

/// ENC-05: `zip` of a request is announced, or not used; ENC-01: a JWE is text.
#[test]
fn a_request_is_compressed_only_if_that_is_announced() {
    let ours = key();
    let enc = ContentEncryption::A256Gcm;
    let policy = EncryptionPolicy::new(Offered, Off, Vec::new(), vec![enc], Vec::new()).unwrap();
    let jwe = |zip| jwe::encrypt(Map::new(), b"{}", ours.encryption_key(), enc, zip).unwrap();
    let cases = [
        (jwe(None).into_bytes(), Ok(())),
        (jwe(DEFLATE).into_bytes(), Err(RequestMethod)),
        (b"\xff".to_vec(), Err(Unreadable)),
    ];
    for (body, expected) in cases {
        let found = open(&policy, ReceivedBody::Jwt(&body), &ours);
        assert_eq!(found.map(|_| ()), expected);
    }
}

/// G05: in the clear the length is bounded as well.
#[test]
fn a_long_request_is_refused_before_it_is_read() {
    let body = format!("{{}}{}", " ".repeat(REQUEST_BYTES_MAX - 2));
    let policy = policy(Off, Off);
    assert!(open(&policy, ReceivedBody::Json(body.as_bytes()), &key()).is_ok());
    let longer = format!("{body} ");
    let found = open(&policy, ReceivedBody::Json(longer.as_bytes()), &key());
    assert_eq!(found.unwrap_err(), TooLong);
}

/// VCI §8.3.1.2, CRED-52, CRED-60, ENC-13: the code of each refusal; H08, CRED-64: a refusal is a
/// fixed text, there is nothing in it to encrypt.
#[test]
fn each_refusal_of_encryption_has_its_code_and_text() {
    let all = every!(EncryptionRefusal {
        RequestNotSupported,
        NotEncrypted,
        TooLong,
        Unreadable,
        RequestMethod,
        NoKid,
        UnknownKid,
        CannotDecrypt,
        NotAnObject,
        NoResponseKey,
        ResponseNotSupported,
        KeyInTheClear,
        Incomplete,
        BadKey,
        PrivateKey,
        NoAlgorithm,
        UnsupportedAlgorithm,
        UnsupportedEncryption,
        UnsupportedCompression,
        KeyChanged,
    });
    check_texts(&all.map(|refusal| refusal.answer().1));
    for refusal in all {
        let is_of_the_request = matches!(refusal, RequestNotSupported | TooLong | NotAnObject);
        let expected = if is_of_the_request {
            ErrorCode::InvalidCredentialRequest
        } else {
            ErrorCode::InvalidEncryptionParameters
        };
        assert_eq!((refusal.answer().0, refusal.status()), (expected, 400), "{refusal:?}");
        assert_eq!(refusal.challenge(), None);
    }
}

/// ENC-11: the order is what `max` goes by.
#[test]
fn more_encryption_is_more() {
    assert!(Off < Offered && Offered < Required);
    assert_eq!(Encryption::default(), Off);
    assert_eq!(EncryptionPolicy::default().request(), Off);
}

//! VCI §10 as tables, for the Wallet: what it chooses, what it sends, and what it takes.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod sealing;

use keys::jwe::{
    self, Compression, ContentEncryption, Curve, DecryptionKey, EncryptionKey, Jwe, JweError,
    KeyManagement,
};
use oid4vci::encryption::Encryption::{Off, Offered, Required};
use oid4vci::encryption::EncryptionError::{
    NoCommonMethod, NoRequestKey, NotAskedFor, NotEncrypted, OtherKey, OtherMethod,
};
use oid4vci::encryption::{
    Body, ChosenEncryption, EncryptionError, JSON, JWT, ReceivedBody, ReceivedEncryption, seal,
};
use oid4vci::metadata::ReceivedIssuerMetadata;
use sealing::{encrypt, key, open, policy, with};
use serde_json::{Map, Value, json};

fn make_key(algorithm: KeyManagement) -> Result<DecryptionKey, jwe::EncryptionKeyError> {
    DecryptionKey::generate(Curve::P256, algorithm)
}

fn received(body: &Body) -> ReceivedBody<'_> {
    ReceivedBody::new(body.media_type, &body.bytes).unwrap()
}

/// Metadata with these two objects, read and chosen from: `enc` of the request, and `alg`, `enc` of
/// the response.
fn choice(request: &Value, response: &Value) -> Result<String, EncryptionError> {
    let metadata = json!({
        "credential_request_encryption": request,
        "credential_response_encryption": response,
    });
    let chosen = ReceivedEncryption::parse(&metadata).choose(false)?;
    Ok(described(&chosen))
}

/// What a request made with this choice looks like from outside.
fn described(chosen: &ChosenEncryption) -> String {
    let mut asked = None;
    let exchange = chosen.begin(|algorithm| {
        asked = Some(algorithm);
        make_key(algorithm)
    });
    let body = exchange.unwrap().seal(json!({})).unwrap();
    let enc = match body.media_type {
        JWT => {
            let jwe = Jwe::parse(str::from_utf8(&body.bytes).unwrap(), 10_000).unwrap();
            format!("{} for {}", jwe.encryption(), jwe.kid().unwrap_or_default())
        }
        _ => "clear".to_owned(),
    };
    asked.map_or(enc.clone(), |algorithm| format!("{enc}, {algorithm}"))
}

fn public() -> Value {
    let key = key().encryption_key().to_jwk();
    with(&key.into(), "kid", "k")
}

fn requests() -> Value {
    json!({
        "jwks": { "keys": [public()] },
        "enc_values_supported": ["A128GCM"],
        "encryption_required": false,
    })
}

fn responses() -> Value {
    json!({
        "alg_values_supported": ["ECDH-ES"],
        "enc_values_supported": ["A128GCM"],
        "encryption_required": false,
    })
}

/// CRED-15 to CRED-17, ENC-04 to ENC-06: what is chosen, and when there is no choice.
#[test]
fn a_wallet_encrypts_what_it_can_and_stops_where_it_cannot_but_must() {
    let required = |object: &Value| with(object, "encryption_required", true);
    let (requests, responses) = (requests(), responses());
    let none = Value::Null;
    let keys = |keys: Value| with(&requests, "jwks", json!({ "keys": keys }));
    let encs = |object: &Value, encs: Value| with(object, "enc_values_supported", encs);
    let algs = |algs: Value| with(&responses, "alg_values_supported", algs);
    let all = json!(["A128CBC-HS256", "A192GCM", "A128GCM", "A256GCM", "A256CBC-HS512", "?"]);
    let signs = with(&public(), "use", "sig");
    let unknown = with(&public(), "alg", "RSA-OAEP-256");
    let many = json!([signs, unknown, { "kty": "EC" }, 1, public(), with(&public(), "kid", "l")]);
    let only_signs = keys(json!([signs]));
    let unknown_enc = encs(&requests, json!(["XC20P"]));
    let unknown_alg = algs(json!(["RSA-OAEP-256"]));
    let both = Ok("A128GCM for k, ECDH-ES");
    let (request_only, clear) = (Ok("A128GCM for k"), Ok("clear"));
    let cases = [
        ("nothing is offered", none.clone(), none.clone(), clear),
        ("CRED-16: offered", requests.clone(), none.clone(), request_only),
        ("CRED-15, CRED-17: both offered", requests.clone(), responses.clone(), both),
        ("CRED-16", required(&requests), none.clone(), request_only),
        ("CRED-15, CRED-17", requests.clone(), required(&responses), both),
        ("CRED-17: it may not be asked for", none.clone(), responses.clone(), clear),
        ("CRED-17, ENC-11", none.clone(), required(&responses), Err(NoRequestKey)),
        ("ENC-04: the first that fits", keys(many), none.clone(), request_only),
        ("ENC-04: none fits", only_signs.clone(), responses.clone(), clear),
        ("CRED-16: none fits", required(&only_signs), none.clone(), Err(NoCommonMethod)),
        ("CRED-15: none fits", only_signs, required(&responses), Err(NoRequestKey)),
        ("AMB-13", with(&requests, "jwks", json!([public()])), none.clone(), request_only),
        ("ENC-05", encs(&requests, all.clone()), none.clone(), Ok("A256GCM for k")),
        ("ENC-05: no enc", unknown_enc.clone(), none.clone(), clear),
        ("ENC-05: no enc", required(&unknown_enc), none.clone(), Err(NoCommonMethod)),
        (
            "ENC-05: no enc",
            required(&encs(&requests, none.clone())),
            none.clone(),
            Err(NoCommonMethod),
        ),
        ("ENC-06: no alg", requests.clone(), unknown_alg.clone(), request_only),
        ("ENC-06: no alg", requests.clone(), required(&unknown_alg), Err(NoCommonMethod)),
        (
            "ENC-06: no enc",
            requests.clone(),
            required(&encs(&responses, json!([]))),
            Err(NoCommonMethod),
        ),
        (
            "ENC-06",
            requests.clone(),
            algs(json!(["RSA-OAEP", "ECDH-ES+A256KW"])),
            Ok("A128GCM for k, ECDH-ES+A256KW"),
        ),
        ("META-43: no object", json!("yes"), json!([]), clear),
    ];
    for (rule, request, response, expected) in cases {
        assert_eq!(choice(&request, &response), expected.map(str::to_owned), "{rule}");
    }
}

/// ENC-05, ENC-06, ENC-08: nothing is compressed unless both sides want it.
#[test]
fn a_wallet_compresses_what_the_issuer_can_decompress_if_it_is_told_to() {
    let zips = |object: Value, zips: Value| with(&object, "zip_values_supported", zips);
    let deflate = json!(["?", "DEF"]);
    let cases = [
        (true, deflate.clone(), deflate.clone(), (true, true)),
        (true, deflate.clone(), Value::Null, (true, false)),
        (true, Value::Null, deflate.clone(), (false, true)),
        (true, json!(["GZIP"]), json!([]), (false, false)),
        (false, deflate.clone(), deflate, (false, false)),
    ];
    for (compress, request_zips, response_zips, expected) in cases {
        let ours = key();
        let jwks = json!({ "keys": [ours.encryption_key().to_jwk()] });
        let metadata = json!({
            "credential_request_encryption": with(&zips(requests(), request_zips), "jwks", jwks),
            "credential_response_encryption": zips(responses(), response_zips),
        });
        let chosen = ReceivedEncryption::parse(&metadata).choose(compress).unwrap();
        let body = chosen.begin(make_key).unwrap().seal(json!({})).unwrap();
        let jwe = Jwe::parse(str::from_utf8(&body.bytes).unwrap(), 10_000).unwrap();
        let request = jwe.decrypt(&ours, 10_000).unwrap();
        let request: Value = serde_json::from_slice(&request).unwrap();
        let zip = request.pointer("/credential_response_encryption/zip");
        assert!(zip.is_none_or(|zip| zip == "DEF"));
        assert_eq!((jwe.compression().is_some(), zip.is_some()), expected);
    }
}

/// CRED-12, CRED-18, CRED-19, DEFER-09: what goes out, for either endpoint.
#[test]
fn a_request_carries_the_key_for_its_response() {
    let ours = key();
    let jwks = json!({ "keys": [ours.encryption_key().to_jwk()] });
    let metadata = json!({
        "credential_request_encryption": with(&requests(), "jwks", jwks),
        "credential_response_encryption": responses(),
    });
    let chosen = ReceivedEncryption::parse(&metadata).choose(false).unwrap();
    let mut keys = Vec::new();
    for parameters in [json!({ "credential_identifier": "a" }), json!({ "transaction_id": "t" })] {
        let exchange = chosen.begin(make_key).unwrap();
        let body = exchange.seal(parameters.clone()).unwrap();
        assert_eq!(body.media_type, JWT);
        let opened = open(&policy(Off, Offered), received(&body), &ours).unwrap();
        let found = Value::Object(opened.parameters().clone());
        let asked = &found["credential_response_encryption"];
        assert_eq!(with(&found, "credential_response_encryption", Value::Null), parameters);
        assert_eq!(asked["enc"], "A128GCM");
        assert_eq!(asked.get("zip"), None);
        assert_eq!(asked["jwk"]["alg"], "ECDH-ES");
        assert_eq!(asked["jwk"].get("d"), None, "the private half stays");
        keys.push(asked["jwk"]["x"].clone());
    }
    assert_ne!(keys[0], keys[1], "each request has a key of its own");
    let clear = ChosenEncryption::default();
    let body = clear.begin(|_| unreachable!("no key is needed")).unwrap().seal(json!({ "a": 1 }));
    assert_eq!(body.unwrap(), Body { media_type: JSON, bytes: br#"{"a":1}"#.to_vec() });
}

/// Our Issuer and our Wallet under each policy; the metadata go over the wire.
#[test]
fn what_our_issuer_announces_our_wallet_can_do() {
    for requests in [Off, Offered, Required] {
        for responses in [Off, Offered, Required] {
            for compress in [false, true] {
                let ours = key();
                let policy = policy(requests, responses);
                let metadata = json!({
                    "credential_issuer": "https://issuer.example",
                    "credential_endpoint": "https://issuer.example/credential",
                    "credential_configurations_supported": {},
                    "credential_request_encryption": policy.request_metadata(&[&ours]),
                    "credential_response_encryption": policy.response_metadata(),
                });
                let metadata = metadata.to_string();
                let metadata =
                    ReceivedIssuerMetadata::parse(metadata.as_bytes(), "https://issuer.example");
                let chosen = metadata.unwrap().encryption.choose(compress).unwrap();
                let exchange = chosen.begin(make_key).unwrap();
                let body = exchange.seal(json!({ "credential_identifier": "a" })).unwrap();
                assert_eq!(body.media_type == JWT, requests.max(responses) != Off);
                let opened = open(&policy, received(&body), &ours).unwrap();
                let answer = seal(b"{}".to_vec(), opened.response_encryption()).unwrap();
                assert_eq!(answer.media_type == JWT, responses != Off);
                assert_eq!(exchange.open(received(&answer)).unwrap()[..], *b"{}");
            }
        }
    }
}

/// ENC-03, ENC-07, ENC-09, CRED-13, H01, H10: what comes is what was asked for.
#[test]
fn a_wallet_takes_the_response_that_it_asked_for() {
    let ours = key();
    let jwks = json!({ "keys": [ours.encryption_key().to_jwk()] });
    let deflate = json!(["DEF"]);
    let zips = |object: &Value| with(object, "zip_values_supported", deflate.clone());
    let metadata = json!({
        "credential_request_encryption": with(&zips(&requests()), "jwks", jwks),
        "credential_response_encryption": zips(&responses()),
    });
    let metadata = ReceivedEncryption::parse(&metadata);
    let (plain, zipped) = (metadata.choose(false).unwrap(), metadata.choose(true).unwrap());
    let (plain, zipped) = (plain.begin(make_key).unwrap(), zipped.begin(make_key).unwrap());
    // The key that the request carried.
    let asked = |exchange: &oid4vci::encryption::Exchange<'_>| {
        let body = exchange.seal(json!({})).unwrap();
        let opened = open(&policy(Off, Offered), received(&body), &ours).unwrap();
        opened.response_encryption().unwrap().key().clone()
    };
    let (plain_key, zipped_key) = (asked(&plain), asked(&zipped));
    let renamed = |kid: Value| {
        EncryptionKey::from_jwk(&with(&plain_key.to_jwk().into(), "kid", kid)).unwrap()
    };
    let enc = ContentEncryption::A128Gcm;
    let answer =
        |key: &EncryptionKey, enc, zip| jwe::encrypt(Map::new(), b"{}", key, enc, zip).unwrap();
    let deflate = Some(Compression::Deflate);
    let bomb = vec![b' '; 5 * 1024 * 1024];
    let bomb = jwe::encrypt(Map::new(), &bomb, &zipped_key, enc, deflate).unwrap();
    let other = key();
    let impostor = with(&other.encryption_key().to_jwk().into(), "kid", plain_key.kid().unwrap());
    let impostor = EncryptionKey::from_jwk(&impostor).unwrap();
    let jwe = |error| Err(EncryptionError::Jwe(error));
    let cases = [
        ("ENC-07", &plain, answer(&plain_key, enc, None), Ok(())),
        ("ENC-08", &zipped, answer(&zipped_key, enc, deflate), Ok(())),
        ("ENC-08: not compressed, and no harm", &zipped, answer(&zipped_key, enc, None), Ok(())),
        ("ENC-03: no kid, and no harm", &plain, answer(&renamed(Value::Null), enc, None), Ok(())),
        ("ENC-03", &plain, answer(&renamed("k".into()), enc, None), Err(OtherKey)),
        ("ENC-03", &plain, answer(other.encryption_key(), enc, None), Err(OtherKey)),
        ("ENC-07: our kid", &plain, answer(&impostor, enc, None), jwe(JweError::CannotDecrypt)),
        ("ENC-07", &plain, answer(&plain_key, ContentEncryption::A256Gcm, None), Err(OtherMethod)),
        ("CRED-13", &plain, answer(&plain_key, enc, deflate), Err(OtherMethod)),
        ("H01", &zipped, bomb, jwe(JweError::TooLarge)),
        ("H12: a signed one", &plain, "e30.e30.e30".into(), jwe(JweError::Malformed)),
    ];
    for (rule, exchange, text, expected) in cases {
        let found = exchange.open(ReceivedBody::Jwt(text.as_bytes()));
        assert_eq!(found.map(|_| ()), expected, "{rule}");
    }
    assert_eq!(plain.open(ReceivedBody::Json(b"{}")).unwrap_err(), NotEncrypted, "ENC-09, H10");
    assert_eq!(
        plain.open(ReceivedBody::Jwt(b"\xff")).unwrap_err(),
        EncryptionError::Jwe(JweError::Malformed)
    );
    let clear = ChosenEncryption::default();
    let clear = clear.begin(make_key).unwrap();
    assert_eq!(clear.open(ReceivedBody::Json(b"{}")).unwrap()[..], *b"{}");
    let unasked = encrypt("{}", other.encryption_key());
    let found = clear.open(ReceivedBody::Jwt(unasked.as_bytes()));
    assert_eq!(found.unwrap_err(), NotAskedFor);
}

/// META-19, META-20: the example of the specification.
#[test]
fn the_example_of_the_metadata_is_understood() {
    let example = include_str!("vectors/examples/credential_issuer_metadata_sd_jwt_long.json");
    let metadata: Value = serde_json::from_str(example).unwrap();
    let chosen = ReceivedEncryption::parse(&metadata).choose(true).unwrap();
    assert_eq!(described(&chosen), "A128GCM for ac, ECDH-ES");
}

#[test]
fn each_reason_to_stop_has_its_text() {
    let all = [
        NoCommonMethod,
        NoRequestKey,
        NotEncrypted,
        NotAskedFor,
        OtherKey,
        OtherMethod,
        EncryptionError::Jwe(JweError::TooLarge),
        EncryptionError::Jwe(JweError::CannotDecrypt),
    ];
    let mut texts = all.map(EncryptionError::message).to_vec();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), all.len());
}

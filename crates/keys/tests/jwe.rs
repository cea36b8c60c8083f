//! Encrypted messages from strangers and of our own (RFC 7516 §7.1).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::write::DeflateEncoder;
use keys::jwe::{
    Compression, ContentEncryption, Curve, DecryptionKey, Jwe, JweError, KeyManagement, encrypt,
};
use serde_json::{Map, Value, json};

const BYTES_MAX: usize = 64 * 1024;
const TEXT: &str = r#"{"credentials":[{"credential":"a.b.c"}]}"#;
const DEFLATE: Option<Compression> = Some(Compression::Deflate);

fn key() -> DecryptionKey {
    DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap()
}

fn open(text: &str, key: &DecryptionKey) -> Result<String, JweError> {
    let plaintext = Jwe::parse(text, BYTES_MAX)?.decrypt(key, BYTES_MAX)?;
    Ok(String::from_utf8(plaintext.to_vec()).unwrap())
}

fn sealed(key: &DecryptionKey) -> String {
    let encryption = ContentEncryption::A128Gcm;
    encrypt(Map::new(), TEXT.as_bytes(), key.encryption_key(), encryption, None).unwrap()
}

fn encode(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn header(text: &str) -> Value {
    let header = BASE64_URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

/// The same message with another header, or with one member of it changed.
fn with_header(text: &str, header: &str) -> String {
    format!("{}.{}", encode(header), text.split_once('.').unwrap().1)
}

fn with(text: &str, member: &str, value: Value) -> String {
    let mut header = header(text);
    header.as_object_mut().unwrap().insert(member.into(), value);
    with_header(text, &header.to_string())
}

/// A private key of the vectors, which name `alg` beside it.
fn kept(jwk: &Value, alg: &Value) -> DecryptionKey {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().insert("alg".into(), alg.clone());
    DecryptionKey::from_jwk(&jwk.to_string()).unwrap()
}

/// RFC 7520 §5.4, RFC 7520 §5.5 and an example for X25519.
#[test]
fn the_examples_of_the_cookbook_are_decrypted() {
    let examples: Vec<Value> = serde_json::from_str(include_str!("vectors/cookbook.json")).unwrap();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let key = kept(&example["key"], &example["alg"]);
        let jwe = Jwe::parse(example["jwe"].as_str().unwrap(), BYTES_MAX).unwrap();
        assert_eq!(jwe.encryption().name(), example["enc"]);
        assert_eq!(jwe.kid(), example["key"]["kid"].as_str());
        let plaintext = jwe.decrypt(&key, BYTES_MAX).unwrap();
        assert_eq!(plaintext[..], *example["plaintext"].as_str().unwrap().as_bytes());
    }
}

#[test]
fn messages_of_another_implementation_are_decrypted() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/jose.json")).unwrap();
    let messages = vectors["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 18);
    for message in messages {
        let mut keys = vectors["keys"].as_array().unwrap().iter();
        let jwk = keys.find(|key| key["kid"] == message["kid"]).unwrap();
        let found = open(message["jwe"].as_str().unwrap(), &kept(jwk, &message["alg"]));
        assert_eq!(found.as_deref(), Ok(vectors["plaintext"].as_str().unwrap()), "{message}");
    }
}

#[test]
fn what_was_encrypted_is_decrypted_and_the_header_says_how() {
    for curve in Curve::ALL {
        for algorithm in KeyManagement::ALL {
            let key = DecryptionKey::generate(curve, algorithm).unwrap();
            for encryption in ContentEncryption::ALL {
                for compression in [None, DEFLATE] {
                    let ours = json!({ "cty": "json", "apu": "YQ", "apv": "Yg" });
                    let ours = serde_json::from_value(ours).unwrap();
                    let recipient = key.encryption_key();
                    let text =
                        encrypt(ours, TEXT.as_bytes(), recipient, encryption, compression).unwrap();
                    assert_eq!(open(&text, &key).as_deref(), Ok(TEXT));
                    let jwe = Jwe::parse(&text, BYTES_MAX).unwrap();
                    assert_eq!(jwe.algorithm(), algorithm);
                    assert_eq!(jwe.encryption(), encryption);
                    assert_eq!(jwe.compression(), compression);
                    let header = jwe.header();
                    assert_eq!(header["alg"], algorithm.name());
                    assert_eq!(header["enc"], encryption.name());
                    assert_eq!(header["kid"], recipient.kid().unwrap());
                    assert_eq!(header.get("zip").is_some(), compression.is_some());
                    assert_eq!(header["epk"]["crv"], curve.name());
                    assert_eq!(header["epk"].get("d"), None, "the sender's private half stays");
                    assert_eq!(header["cty"], "json");
                }
            }
        }
    }
}

#[test]
fn a_header_of_the_caller_does_not_lie() {
    let key = key();
    let lies = json!({ "alg": "dir", "enc": "none", "zip": "DEF", "kid": "other", "epk": 1 });
    let lies = serde_json::from_value(lies).unwrap();
    let text = encrypt(lies, b"", key.encryption_key(), ContentEncryption::A256Gcm, None).unwrap();
    assert_eq!(open(&text, &key).as_deref(), Ok(""));
    assert_eq!(header(&text)["kid"], key.encryption_key().kid().unwrap());
}

#[test]
fn no_two_messages_are_alike() {
    let key = key();
    let (one, other) = (sealed(&key), sealed(&key));
    for (place, (one, other)) in one.split('.').zip(other.split('.')).enumerate() {
        assert_eq!(one == other, place == 1, "part {place}"); // there is no encrypted key
    }
}

#[test]
fn another_key_does_not_decrypt() {
    let (ours, others) = (key(), key());
    let text = sealed(&ours);
    assert_eq!(open(&text, &others), Err(JweError::CannotDecrypt));
    let wrapping = DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEsA128Kw).unwrap();
    assert_eq!(open(&text, &wrapping), Err(JweError::WrongAlgorithm));
    let elsewhere = DecryptionKey::generate(Curve::X25519, KeyManagement::EcdhEs).unwrap();
    assert_eq!(open(&text, &elsewhere), Err(JweError::BadEphemeralKey));
}

/// Catalogue H09: whatever was changed, the answer is the same.
#[test]
fn a_changed_byte_is_noticed() {
    for algorithm in KeyManagement::ALL {
        let key = DecryptionKey::generate(Curve::P256, algorithm).unwrap();
        for encryption in ContentEncryption::ALL {
            let recipient = key.encryption_key();
            let text = encrypt(Map::new(), b"{}", recipient, encryption, None).unwrap();
            let header_bytes = text.find('.').unwrap();
            for (place, byte) in text.bytes().enumerate() {
                let mut changed = text.clone().into_bytes();
                changed[place] = if byte == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                let found = open(&changed, &key).unwrap_err();
                let told = matches!(found, JweError::CannotDecrypt | JweError::Malformed);
                assert!(told || place < header_bytes, "{encryption} byte {place}: {found:?}");
            }
        }
    }
}

/// Catalogue E16, H04, H05: what changes the meaning, or is none of ours.
#[test]
fn headers_that_we_do_not_speak_are_refused() {
    use JweError::{
        BadEphemeralKey, CannotDecrypt, CriticalHeader, Malformed, UnsupportedAlgorithm,
        UnsupportedCompression, UnsupportedEncryption,
    };
    let key = key();
    let text = sealed(&key);
    let cases = [
        ("alg", json!("RSA1_5"), UnsupportedAlgorithm),
        ("alg", json!("RSA-OAEP-256"), UnsupportedAlgorithm),
        ("alg", json!("dir"), UnsupportedAlgorithm),
        ("alg", json!("none"), UnsupportedAlgorithm),
        ("alg", json!("A128KW"), UnsupportedAlgorithm),
        ("alg", json!("PBES2-HS256+A128KW"), UnsupportedAlgorithm),
        ("alg", json!("ecdh-es"), UnsupportedAlgorithm),
        ("alg", json!(["ECDH-ES"]), UnsupportedAlgorithm),
        ("alg", Value::Null, UnsupportedAlgorithm),
        ("enc", json!("A128CBC"), UnsupportedEncryption),
        ("enc", json!("none"), UnsupportedEncryption),
        ("enc", json!(1), UnsupportedEncryption),
        ("zip", json!("GZIP"), UnsupportedCompression),
        ("zip", json!("def"), UnsupportedCompression),
        ("zip", Value::Null, UnsupportedCompression),
        ("crit", json!(["exp"]), CriticalHeader),
        ("crit", json!([]), CriticalHeader),
        ("epk", Value::Null, BadEphemeralKey),
        ("epk", json!("key"), BadEphemeralKey),
        ("epk", json!({}), BadEphemeralKey),
        ("apu", json!(1), Malformed),
        ("apv", json!("YQ=="), Malformed),
        // Authenticated, therefore noticed; never fetched.
        ("jku", json!("https://a.example"), CannotDecrypt),
        ("p2c", json!(1_000_000_000), CannotDecrypt),
    ];
    for (member, value, expected) in cases {
        let changed = with(&text, member, value.clone());
        assert_eq!(open(&changed, &key), Err(expected), "{member} {value}");
    }
    for missing in ["alg", "enc", "epk"] {
        let mut header = header(&text);
        header.as_object_mut().unwrap().remove(missing);
        assert!(open(&with_header(&text, &header.to_string()), &key).is_err(), "{missing}");
    }
    let header = header(&text).to_string();
    for header in ["", "[]", "{}{}", "\"a\"", &header.replacen('{', r#"{"alg":"dir","#, 1)] {
        assert_eq!(open(&with_header(&text, header), &key), Err(Malformed), "{header}");
    }
}

/// Catalogue H05: the sender's point is on the curve of our key, and it is public.
#[test]
fn a_bad_point_of_the_sender_is_refused() {
    let key = key();
    let text = sealed(&key);
    let epk = header(&text)["epk"].clone();
    let with = |member: &str, value: &str| {
        let mut epk = epk.clone();
        epk[member] = value.into();
        with(&text, "epk", epk)
    };
    let zero = encode([0; 32]);
    let origin = {
        let origin = json!({ "kty": "EC", "crv": "P-256", "x": zero, "y": zero });
        self::with(&text, "epk", origin)
    };
    let cases = [
        ("not on the curve", with("y", &zero)),
        ("infinity, as some write it", origin),
        ("above the prime", with("x", &encode([0xff; 32]))),
        ("short", with("x", &encode([1; 31]))),
        ("long", with("x", &encode([0; 33]))),
        ("another curve", with("crv", "P-384")),
        ("another type", with("kty", "OKP")),
        ("a private key", with("d", &encode([1; 32]))),
    ];
    for (name, text) in cases {
        assert_eq!(open(&text, &key), Err(JweError::BadEphemeralKey), "{name}");
    }
    let montgomery = DecryptionKey::generate(Curve::X25519, KeyManagement::EcdhEs).unwrap();
    for order in [0, 1] {
        let mut point = [0; 32];
        point[0] = order;
        let epk = json!({ "kty": "OKP", "crv": "X25519", "x": encode(point) });
        let text = self::with(&sealed(&montgomery), "epk", epk);
        assert_eq!(open(&text, &montgomery), Err(JweError::BadEphemeralKey), "order {order}");
    }
}

#[test]
fn other_spellings_are_refused() {
    let key = key();
    let text = sealed(&key);
    let parts: Vec<&str> = text.split('.').collect();
    let cases = [
        ("empty", String::new()),
        ("H12: three parts, as of a signed one", parts[..3].join(".")),
        ("four parts", parts[..4].join(".")),
        ("six parts", format!("{text}.")),
        ("padding", format!("{text}==")),
        ("white space", format!(" {text}")),
        ("a line break", format!("{text}\n")),
        ("standard base64", text.replacen('.', "+.", 1)),
        ("JSON serialisation", r#"{"protected":"","ciphertext":""}"#.to_owned()),
    ];
    for (name, text) in cases {
        assert_eq!(open(&text, &key), Err(JweError::Malformed), "{name}");
    }
    for part in [1, 2, 3, 4] {
        let mut parts = parts.clone();
        parts[part] = if part == 1 { "AAAA" } else { "" };
        assert_eq!(open(&parts.join("."), &key), Err(JweError::CannotDecrypt), "part {part}");
    }
}

#[test]
fn length_is_bounded_before_and_after() {
    let key = key();
    let text = sealed(&key);
    assert_eq!(Jwe::parse(&text, text.len() - 1).unwrap_err(), JweError::TooLong);
    let jwe = Jwe::parse(&text, text.len()).unwrap();
    assert_eq!(jwe.decrypt(&key, TEXT.len() - 1).unwrap_err(), JweError::TooLarge);
    assert_eq!(jwe.decrypt(&key, TEXT.len()).unwrap()[..], *TEXT.as_bytes());
}

/// Catalogue H01: 100 MB in 100 KB.
#[test]
fn what_swells_is_cut_off() {
    let key = key();
    let encryption = ContentEncryption::A256Gcm;
    let bomb = vec![b'a'; 100_000_000];
    let text = encrypt(Map::new(), &bomb, key.encryption_key(), encryption, DEFLATE).unwrap();
    assert!(text.len() < 200_000, "{}", text.len());
    let jwe = Jwe::parse(&text, text.len()).unwrap();
    for limit in [0, 1, 1024, BYTES_MAX, 10_000_000] {
        assert_eq!(jwe.decrypt(&key, limit).unwrap_err(), JweError::TooLarge);
    }
    let text = encrypt(Map::new(), &bomb[..BYTES_MAX], key.encryption_key(), encryption, DEFLATE);
    let jwe = Jwe::parse(&text.unwrap(), BYTES_MAX).unwrap();
    assert_eq!(jwe.decrypt(&key, BYTES_MAX - 1).unwrap_err(), JweError::TooLarge);
    assert_eq!(jwe.decrypt(&key, BYTES_MAX).unwrap().len(), BYTES_MAX);
}

/// RFC 7516 §4.1.3: DEFLATE, one stream, whole, and nothing around it.
#[test]
fn what_is_not_deflate_is_refused() {
    let key = key();
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(TEXT.repeat(50).as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let zlib = [&[0x78, 0x9c][..], &whole, &[0; 4]].concat();
    let cases = [
        ("whole", whole.clone(), true),
        ("cut short", whole[..whole.len() - 1].to_vec(), false),
        ("cut shorter", whole[..1].to_vec(), false),
        ("nothing", Vec::new(), false),
        ("something behind it", [&whole[..], &[0]].concat(), false),
        ("a frame around it", zlib, false),
        ("not compressed", TEXT.as_bytes().to_vec(), false),
    ];
    for (name, compressed, good) in cases {
        // What is sent as it is, under a header that says it is compressed.
        let text = uncompressed_under_zip(&compressed, &key);
        let expected = if good { Ok(TEXT.repeat(50)) } else { Err(JweError::BadCompression) };
        assert_eq!(open(&text, &key), expected, "{name}");
    }
}

/// A dishonest sender's message. The header is under the tag, so it is made by hand.
fn uncompressed_under_zip(content: &[u8], key: &DecryptionKey) -> String {
    use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
    use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
    let ours = PrivateKey::generate(&ECDH_P256).unwrap();
    let public = ours.compute_public_key().unwrap();
    let (x, y) = public.as_ref().split_at(1).1.split_at(32);
    let epk = json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) });
    let header = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "zip": "DEF", "epk": epk });
    let protected = encode(header.to_string());
    let jwk = key.encryption_key().to_jwk();
    let coordinate =
        |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk.get(name).and_then(Value::as_str).unwrap());
    let peer = [vec![4], coordinate("x").unwrap(), coordinate("y").unwrap()].concat();
    let info = [&[0, 0, 0, 7][..], b"A128GCM", &[0; 8], &[0, 0, 0, 128]].concat();
    let mut cek = [0; 16];
    agree(&ours, UnparsedPublicKey::new(&ECDH_P256, peer), (), |agreed| {
        let digest = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256).unwrap();
        sskdf_digest(digest, agreed, &info, &mut cek).map_err(|_| ())
    })
    .unwrap();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &cek).unwrap());
    let mut content = content.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let tag = cipher
        .seal_in_place_separate_tag(nonce, Aad::from(protected.as_bytes()), &mut content)
        .unwrap();
    format!("{protected}..{}.{}.{}", encode([0; 12]), encode(content), encode(tag))
}

//! Token Status List: the signed token, as JWT and as CWT (TSL §5, TSL §8.3).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::status_list::token::{
    StatusListClaims, StatusListKey, TOKEN_BYTES_MAX, TTL_SECONDS_MAX, TTL_SECONDS_MIN,
    TokenFormat, issue, parse,
};
use formats::status_list::{
    Bits, CompressedList, Status, StatusList, StatusListError, StatusReference,
};
use keys::algorithm::Algorithm;
use keys::cbor::encode;
use keys::cose::{self, Header, Sign1};
use keys::jws::{self, Jws};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const URI: &str = "https://issuer.example/status-lists/1";
const FORMATS: [TokenFormat; 2] = [TokenFormat::Jwt, TokenFormat::Cwt];

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

fn list() -> CompressedList {
    let mut list = StatusList::new(Bits::Two, 64);
    assert!(list.set(7, Status::Invalid) && list.set(8, Status::Suspended));
    list.compress().unwrap()
}

fn claims(list: &CompressedList) -> StatusListClaims<'_> {
    StatusListClaims {
        uri: URI,
        issued_at: NOW,
        expires_at: NOW.plus(3600),
        ttl_seconds: 300,
        list,
    }
}

fn at(idx: u64) -> StatusReference {
    StatusReference { uri: URI.to_owned(), idx }
}

/// HAIP-44: certificates and name lead to the key, in the places that each form has for them.
#[tokio::test]
async fn what_is_issued_verifies_and_reads_right() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SoftwareKey::generate(algorithm).unwrap();
        for x5c in [vec![vec![1, 2, 3]], vec![vec![1, 2, 3], vec![4]]] {
            for format in FORMATS {
                let list = list();
                let its_key = StatusListKey { x5c: &x5c, kid: "key-1" };
                let token = issue(format, claims(&list), its_key, &key).await.unwrap();
                let unverified = parse(format, &token).unwrap();
                let reference = unverified.key_reference();
                assert_eq!(reference.x5c, Some(x5c.clone()), "{format:?}");
                assert_eq!(reference.kid.as_deref(), Some("key-1"), "{format:?}");
                let verified = unverified.verify(key.public_key(), URI, NOW).unwrap();
                assert_eq!(verified.issued_at(), NOW);
                assert_eq!(verified.status(&at(0)), Some(Status::Valid));
                assert_eq!(verified.status(&at(7)), Some(Status::Invalid));
                assert_eq!(verified.status(&at(8)), Some(Status::Suspended));
                assert_eq!(verified.status(&at(64)), None, "J07: behind the end");
                let elsewhere = StatusReference { uri: format!("{URI}0"), idx: 7 };
                assert_eq!(verified.status(&elsewhere), None, "of another list");
            }
        }
    }
}

/// TSL §5.1
#[tokio::test]
async fn the_jwt_has_the_members_of_the_draft() {
    let (key, list, x5c) = (key(), list(), [vec![1, 2, 3]]);
    let its_key = StatusListKey { x5c: &x5c, kid: "key-1" };
    let token = issue(TokenFormat::Jwt, claims(&list), its_key, &key).await.unwrap();
    let jws = Jws::parse(str::from_utf8(&token).unwrap(), TOKEN_BYTES_MAX).unwrap();
    let jwk = key.public_key().to_jwk();
    let header = json!({
        "alg": "ES256", "typ": "statuslist+jwt", "kid": "key-1", "jwk": jwk, "x5c": ["AQID"],
    });
    assert_eq!(Value::Object(jws.header().clone()), header);
    let packed = BASE64_URL_SAFE_NO_PAD.encode(&list.lst);
    let expected = json!({
        "sub": URI, "iat": NOW, "exp": NOW.0 + 3600, "ttl": 300,
        "status_list": { "bits": 2, "lst": packed },
    });
    assert_eq!(Value::Object(jws.claims().unwrap()), expected);
}

/// TSL §5.2, RFC 9052 §4.2: what the bytes begin with, and the claims under their numbers.
#[tokio::test]
async fn the_cwt_has_the_members_of_the_draft() {
    let (key, list) = (key(), list());
    let its_key = StatusListKey { x5c: &[vec![1, 2, 3]], kid: "k" };
    let token = issue(TokenFormat::Cwt, claims(&list), its_key, &key).await.unwrap();
    // 18([h'a2 01 26 10 78 1a …', {4: h'6b', 33: h'010203'}, …
    let head = [0xd2, 0x84, 0x58, 0x20, 0xa2, 0x01, 0x26, 0x10, 0x78, 0x1a];
    assert_eq!(token[..10], head);
    assert_eq!(&token[10..36], b"application/statuslist+cwt");
    let unprotected = [0xa2, 0x04, 0x41, 0x6b, 0x18, 0x21, 0x43, 1, 2, 3];
    assert_eq!(token[36..46], unprotected);
    let sign1 = Sign1::parse(&token, TOKEN_BYTES_MAX).unwrap();
    let expected = encode(|to| {
        to.map(5)?.u8(2)?.str(URI)?.u8(4)?.u64(NOW.0 + 3600)?.u8(6)?.u64(NOW.0)?;
        to.u16(65533)?.map(2)?.str("bits")?.u8(2)?.str("lst")?.bytes(&list.lst)?;
        to.u16(65534)?.u16(300)?;
        Ok(())
    });
    assert_eq!(sign1.payload(), expected);
}

/// The example tokens of the draft, signed with a key that is not ours.
#[test]
fn the_examples_of_the_draft_verify() {
    let vectors: Value =
        serde_json::from_str(include_str!("vectors/token-status-list.json")).unwrap();
    let key = PublicKey::from_jwk(&vectors["key"]).unwrap();
    let jwt = vectors["jwt"].as_str().unwrap().as_bytes().to_vec();
    let pairs = vectors["cwt"].as_str().unwrap().as_bytes().chunks(2);
    let cwt: Vec<u8> =
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let uri = "https://example.com/statuslists/1";
    for (format, token) in [(TokenFormat::Jwt, jwt), (TokenFormat::Cwt, cwt)] {
        let unverified = parse(format, &token).unwrap();
        assert_eq!(unverified.key_reference().kid.as_deref(), Some("12"));
        let verified = unverified.verify(&key, uri, NOW).unwrap();
        assert_eq!(verified.issued_at(), Timestamp(1_686_920_170));
        assert_eq!(verified.fresh_until(NOW), NOW.plus(43200));
        let statuses =
            (0..17).map(|idx| verified.status(&StatusReference { uri: uri.into(), idx }));
        let set = [0, 3, 4, 5, 7, 8, 9, 13, 15];
        for (index, status) in (0..16).zip(statuses) {
            let expected = if set.contains(&index) { Status::Invalid } else { Status::Valid };
            assert_eq!(status, Some(expected), "{format:?} {index}");
        }
    }
}

/// TSL §8.3: another signature, another address, another time.
#[tokio::test]
async fn a_token_that_is_not_good_says_nothing() {
    let key = key();
    let list = list();
    for format in FORMATS {
        let its_key = StatusListKey { x5c: &[vec![1]], kid: "1" };
        let token = issue(format, claims(&list), its_key, &key).await.unwrap();
        let verify = |key: &SoftwareKey, uri: &str, now| {
            parse(format, &token).unwrap().verify(key.public_key(), uri, now).err()
        };
        assert_eq!(verify(&key, URI, NOW), None);
        let other = SoftwareKey::generate(Algorithm::Es256).unwrap();
        assert_eq!(verify(&other, URI, NOW), Some(StatusListError::WrongSignature));
        let other = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
        assert_eq!(verify(&other, URI, NOW), Some(StatusListError::WrongSignature));
        let longer = format!("{URI}/");
        assert_eq!(verify(&key, &longer, NOW), Some(StatusListError::OtherList));
        let rows = [
            (NOW.plus(3600 + 59), None),
            (NOW.plus(3600 + 60), Some(StatusListError::Expired)),
            (NOW.minus(60), None),
            (NOW.minus(61), Some(StatusListError::NotYetValid)),
        ];
        for (now, error) in rows {
            assert_eq!(verify(&key, URI, now), error, "{format:?} {now:?}");
        }
        let mut changed = token.clone();
        let place = changed.len() - 3;
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = parse(format, &changed).unwrap().verify(key.public_key(), URI, NOW);
        assert_eq!(changed.unwrap_err(), StatusListError::WrongSignature, "{format:?}");
    }
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

async fn parse_jwt(header: Value, payload: Value) -> Option<StatusListError> {
    let payload = payload.to_string();
    let token = jws::sign(object(header), payload.as_bytes(), &key()).await.unwrap();
    parse(TokenFormat::Jwt, token.as_bytes()).err()
}

#[tokio::test]
async fn a_jwt_without_what_the_draft_demands_is_refused() {
    let header = json!({ "typ": "statuslist+jwt" });
    let good = json!({
        "sub": URI, "iat": 1, "status_list": { "bits": 1, "lst": "eNrbuRgAAhcBXQ" },
    });
    assert_eq!(parse_jwt(header.clone(), good.clone()).await, None);
    for (typ, error) in [
        (json!("application/statuslist+jwt"), None),
        (json!("JWT"), Some(StatusListError::WrongType)),
        (json!("statuslist+cwt"), Some(StatusListError::WrongType)),
        (json!(null), Some(StatusListError::WrongType)),
    ] {
        assert_eq!(parse_jwt(json!({ "typ": typ }), good.clone()).await, error, "{typ}");
    }
    for (name, value, error) in [
        ("sub", Value::Null, Some(StatusListError::Malformed)),
        ("iat", Value::Null, Some(StatusListError::Malformed)),
        ("exp", json!("soon"), Some(StatusListError::Malformed)),
        ("ttl", json!(0.5), None),
        ("ttl", json!(0), Some(StatusListError::Malformed)),
        ("ttl", json!(-1), Some(StatusListError::Malformed)),
        ("ttl", json!("60"), Some(StatusListError::Malformed)),
        ("status_list", json!({ "bits": 1 }), Some(StatusListError::Malformed)),
        ("status_list", json!({ "bits": 1, "lst": "*" }), Some(StatusListError::Malformed)),
        ("status_list", json!({ "lst": "" }), Some(StatusListError::WrongBits)),
        ("status_list", json!({ "bits": 3, "lst": "" }), Some(StatusListError::WrongBits)),
        ("status_list", json!({ "bits": "1", "lst": "" }), Some(StatusListError::WrongBits)),
    ] {
        let mut payload = good.clone();
        payload[name] = value.clone();
        assert_eq!(parse_jwt(header.clone(), payload).await, error, "{name}: {value}");
    }
    let none = parse(TokenFormat::Jwt, b"\xff").unwrap_err();
    assert_eq!(none, StatusListError::Malformed);
}

#[tokio::test]
async fn a_cwt_without_what_the_draft_demands_is_refused() {
    let payload = |bits: u8, ttl: u8| {
        encode(|to| {
            to.map(4)?.u8(2)?.str(URI)?.u8(6)?.u8(1)?.u16(65534)?.u8(ttl)?;
            to.u16(65533)?.map(2)?.str("bits")?.u8(bits)?.str("lst")?.bytes(&[1])?;
            Ok(())
        })
    };
    let without_sub = encode(|to| {
        to.map(1)?.u8(6)?.u8(1)?;
        Ok(())
    });
    let twice = [&[0xa2, 0x06, 0x01, 0x06, 0x02][..]].concat();
    let typ = "application/statuslist+cwt";
    for (typ, payload, error) in [
        (typ, payload(1, 60), None),
        ("statuslist+cwt", payload(1, 60), Some(StatusListError::WrongType)),
        (typ, payload(3, 60), Some(StatusListError::WrongBits)),
        (typ, payload(1, 0), Some(StatusListError::Malformed)),
        (typ, without_sub, Some(StatusListError::Malformed)),
        (typ, twice, Some(StatusListError::Malformed)),
        (typ, b"{}".to_vec(), Some(StatusListError::Malformed)),
    ] {
        let header = Header { typ, x5chain: &[vec![1]], kid: "1" };
        let token = cose::sign(header, &payload, &key()).await.unwrap();
        assert_eq!(parse(TokenFormat::Cwt, &token).err(), error, "{payload:?}");
    }
}

/// TSL §11.5: neither never nor all the time, and never beyond `exp`.
#[tokio::test]
async fn how_long_a_list_is_fresh_has_bounds() {
    let (key, list) = (key(), list());
    for (ttl_seconds, lifetime, expected) in [
        (300, 3600, 300),
        (1, 3600, TTL_SECONDS_MIN),
        (u64::from(u32::MAX), 10 * TTL_SECONDS_MAX, TTL_SECONDS_MAX),
        (300, 100, 100),
    ] {
        let expires_at = NOW.plus(lifetime);
        let claims = StatusListClaims { ttl_seconds, expires_at, ..claims(&list) };
        let its_key = StatusListKey { x5c: &[vec![1]], kid: "1" };
        let token = issue(TokenFormat::Cwt, claims, its_key, &key).await.unwrap();
        let verified = parse(TokenFormat::Cwt, &token).unwrap();
        let verified = verified.verify(key.public_key(), URI, NOW).unwrap();
        assert_eq!(verified.fresh_until(NOW), NOW.plus(expected), "{ttl_seconds}");
    }
}

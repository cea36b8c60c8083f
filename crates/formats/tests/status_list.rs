//! Token Status List: entries, packing, and the claim that refers to one (TSL §4, TSL §6).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use formats::jwt_vc_json::{self, JwtVc};
use formats::sd_jwt_vc::{self, IssuerKeyHeader, SdJwtVc, SdJwtVcClaims};
use formats::status_list::{
    Bits, CompressedList, CredentialStatus, LIST_BYTES_MAX, Status, StatusList, StatusListError,
    StatusReference,
};
use formats::w3c::W3cClaims;
use formats::{FormatError, IssueError};
use keys::algorithm::Algorithm;
use keys::cbor::{Label, Map as CborMap};
use keys::jws;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);
const ALL_BITS: [Bits; 4] = [Bits::One, Bits::Two, Bits::Four, Bits::Eight];

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/token-status-list.json")).unwrap()
}

/// The list that a vector describes.
fn described(case: &Value) -> StatusList {
    let bits = Bits::parse(case.pointer("/json/bits").and_then(Value::as_u64).unwrap()).unwrap();
    let mut list = StatusList::new(bits, case["entries"].as_u64().unwrap());
    for pair in case["set"].as_array().unwrap() {
        let value = u8::try_from(pair[1].as_u64().unwrap()).unwrap();
        assert!(list.set(pair[0].as_u64().unwrap(), Status::of(value)));
    }
    list
}

/// TSL §4.1, TSL §4.2, TSL §4.3: the lists of the draft, read, and packed again.
#[test]
fn the_vectors_of_the_draft_unpack_to_what_they_describe() {
    for case in vectors()["cases"].as_array().unwrap() {
        let list = described(case);
        let text = case["json"]["lst"].as_str().unwrap();
        let packed = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let packed = CompressedList { bits: list.bits(), lst: packed };
        assert!(packed.decompress().unwrap() == list, "{list:?}");
        let cbor = hex(case["cbor"].as_str().unwrap());
        let cbor = CborMap::parse(&cbor).unwrap();
        assert_eq!(cbor.number(Label::Text("bits")), Ok(Some(list.bits().count().into())));
        assert_eq!(cbor.bytes(Label::Text("lst")), Ok(Some(packed.lst.as_slice())));
        assert!(list.compress().unwrap().decompress().unwrap() == list, "{list:?}");
    }
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn an_entry_holds_what_was_set_and_its_neighbours_stay() {
    for bits in ALL_BITS {
        let most = u8::try_from((1_u16 << bits.count()) - 1).unwrap();
        for index in 0..16 {
            let mut list = StatusList::new(bits, 16);
            assert!(list.set(index, Status::of(most)));
            for other in 0..16 {
                let expected = Status::of(if other == index { most } else { 0 });
                assert_eq!(list.status(other), Some(expected), "{bits:?} {index} {other}");
            }
            assert!(list.set(index, Status::Valid));
            assert!(list == StatusList::new(bits, 16), "{bits:?} {index}");
        }
    }
}

#[test]
fn a_status_that_has_no_room_is_not_set() {
    let mut list = StatusList::new(Bits::One, 8);
    assert!(!list.set(0, Status::Suspended));
    assert!(!list.set(8, Status::Invalid), "behind the end");
    assert!(list == StatusList::new(Bits::One, 8));
    for (bits, status, fits) in [
        (Bits::One, Status::Invalid, true),
        (Bits::One, Status::Suspended, false),
        (Bits::Two, Status::Suspended, true),
        (Bits::Two, Status::Other(4), false),
        (Bits::Eight, Status::Other(255), true),
    ] {
        assert_eq!(bits.hold(status), fits, "{bits:?} {status}");
    }
}

/// J07, TSL §8.3: behind the end nothing can be said, and nothing is not "valid".
#[test]
fn behind_the_end_there_is_no_status() {
    for bits in ALL_BITS {
        let list = StatusList::new(bits, 1 << 10);
        assert_eq!(list.entries(), 1 << 10);
        assert_eq!(list.status((1 << 10) - 1), Some(Status::Valid));
        for index in [1 << 10, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(list.status(index), None, "{bits:?} {index}");
        }
    }
}

#[test]
fn bits_are_1_2_4_or_8() {
    for count in 0..=16 {
        let expected = matches!(count, 1 | 2 | 4 | 8);
        assert_eq!(Bits::parse(count).is_some(), expected, "{count}");
    }
}

/// J07: a few kilobytes that unpack to gigabytes, and what does not unpack at all.
#[test]
fn what_unpacks_to_too_much_or_to_nothing_is_refused() {
    let mut bomb = ZlibEncoder::new(Vec::new(), Compression::new(9));
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..=LIST_BYTES_MAX / zeros.len() {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 64 * 1024);
    let good = StatusList::new(Bits::One, 1000).compress().unwrap().lst;
    let cut = good[..good.len() - 5].to_vec();
    for (lst, error) in [
        (bomb, StatusListError::TooLong),
        (cut, StatusListError::Malformed),
        (b"not zlib".to_vec(), StatusListError::Malformed),
        (Vec::new(), StatusListError::Malformed),
    ] {
        let list = CompressedList { bits: Bits::One, lst };
        assert_eq!(list.decompress().unwrap_err(), error);
    }
}

fn reference() -> StatusReference {
    StatusReference { uri: "https://issuer.example/status-lists/1".into(), idx: 42 }
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

async fn sd_jwt_vc(key: &SoftwareKey, status: Option<StatusReference>) -> String {
    let claims = SdJwtVcClaims {
        vct: "https://issuer.example/student",
        vct_integrity: None,
        issuer: "https://issuer.example",
        claims: object(json!({ "given_name": "Ada" })),
        selective: vec![vec!["given_name".into()]].into(),
        decoys: 0,
        binding: None,
        issued_at: NOW,
        not_before: None,
        expires_at: END,
        status,
    };
    sd_jwt_vc::issue(claims, IssuerKeyHeader::Kid("1"), key, &SystemRandom).await.unwrap()
}

async fn jwt_vc_json(key: &SoftwareKey, status: Option<StatusReference>) -> String {
    let claims = W3cClaims {
        id: None,
        name: None,
        contexts: &[],
        issuer: "https://issuer.example",
        types: &["Diploma".to_owned()],
        subject: None,
        claims: object(json!({ "degree": "BSc" })),
        issued_at: NOW,
        expires_at: END,
        status: status.map(CredentialStatus::StatusList),
    };
    jwt_vc_json::issue(claims, "1", key).await.unwrap()
}

/// DEP-10, HAIP-43: both formats carry the reference, and it is no claim about the subject.
#[tokio::test]
async fn a_credential_says_where_its_status_is() {
    let key = key();
    for status in [None, Some(reference())] {
        let expected = status.clone().map(CredentialStatus::StatusList);
        let raw = sd_jwt_vc(&key, status.clone()).await;
        let verified = SdJwtVc::parse(&raw).unwrap().verify(key.public_key(), NOW).unwrap();
        assert_eq!(verified.status, expected);
        assert_eq!(Value::Object(verified.claims), json!({ "given_name": "Ada" }));
        let raw = jwt_vc_json(&key, status).await;
        let verified = JwtVc::parse(&raw).unwrap().verify(key.public_key(), NOW).unwrap();
        assert_eq!(verified.status, expected);
        assert_eq!(Value::Object(verified.claims), json!({ "degree": "BSc" }));
    }
}

/// FMT-SDJWT-06: nobody may withhold it, so it stands in the payload itself.
#[tokio::test]
async fn the_reference_is_not_selectively_disclosable() {
    let key = key();
    let raw = sd_jwt_vc(&key, Some(reference())).await;
    let signed = raw.split_once('~').unwrap().0;
    let payload = jws::Jws::parse(signed, signed.len()).unwrap().claims().unwrap();
    let expected =
        json!({ "status_list": { "idx": 42, "uri": "https://issuer.example/status-lists/1" } });
    assert_eq!(payload["status"], expected);
    let claims = SdJwtVcClaims {
        vct: "a",
        vct_integrity: None,
        issuer: "https://issuer.example",
        claims: object(json!({ "status": expected })),
        selective: vec![vec!["status".into()]].into(),
        decoys: 0,
        binding: None,
        issued_at: NOW,
        not_before: None,
        expires_at: END,
        status: None,
    };
    let issued = sd_jwt_vc::issue(claims, IssuerKeyHeader::Kid("1"), &key, &SystemRandom).await;
    assert_eq!(issued, Err(IssueError::ReservedClaim));
}

/// TSL §6.1, TSL §6.2: a reference that cannot be followed must not pass for none.
#[tokio::test]
async fn a_status_that_cannot_be_read_is_refused_and_another_kind_is_told() {
    let uri = "https://issuer.example/status-lists/1";
    let list = |list: Value| json!({ "status_list": list });
    let rows = [
        (list(json!({ "idx": 0, "uri": uri })), None),
        (list(json!({ "idx": 7, "uri": uri, "more": 1 })), None),
        (json!({ "other": {} }), None),
        (json!({}), Some(FormatError::Malformed)),
        (json!("valid"), Some(FormatError::Malformed)),
        (json!(null), Some(FormatError::Malformed)),
        (list(json!({})), Some(FormatError::Malformed)),
        (list(json!({ "idx": -1, "uri": uri })), Some(FormatError::Malformed)),
        (list(json!({ "idx": "1", "uri": uri })), Some(FormatError::Malformed)),
        (list(json!({ "idx": 1.5, "uri": uri })), Some(FormatError::Malformed)),
        (list(json!({ "idx": 1, "uri": "" })), Some(FormatError::Malformed)),
        (list(json!({ "idx": 1, "uri": 5 })), Some(FormatError::Malformed)),
        (list(json!({ "idx": 1 })), Some(FormatError::Malformed)),
    ];
    let key = key();
    for (status, error) in rows {
        let payload = json!({ "vct": "a", "status": status }).to_string();
        let header = object(json!({ "typ": "dc+sd-jwt" }));
        let raw = jws::sign(header, payload.as_bytes(), &key).await.unwrap() + "~";
        let verified = SdJwtVc::parse(&raw).unwrap().verify(key.public_key(), NOW);
        assert_eq!(verified.as_ref().err(), error.as_ref(), "{status}");
        if let Ok(verified) = verified {
            let is_other = verified.status == Some(CredentialStatus::Other);
            assert_eq!(is_other, status.get("status_list").is_none(), "{status}");
        }
    }
}

/// `credentialStatus` of the W3C is a status too, of a kind that we do not read.
#[tokio::test]
async fn the_status_of_a_w3c_credential_is_not_taken_for_none() {
    let payload = json!({
        "iss": "https://issuer.example", "nbf": NOW, "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": ["VerifiableCredential"],
            "credentialSubject": {},
            "credentialStatus": { "id": "urn:1", "type": "StatusOfAnotherKind" },
        },
    });
    let key = key();
    let header = object(json!({ "typ": "JWT" }));
    let raw = jws::sign(header, payload.to_string().as_bytes(), &key).await.unwrap();
    let verified = JwtVc::parse(&raw).unwrap().verify(key.public_key(), NOW).unwrap();
    assert_eq!(verified.status, Some(CredentialStatus::Other));
}

/// Whoever looks at a list as a whole counts the same as whoever asks for each entry.
#[test]
fn a_tally_counts_each_entry_once() {
    for bits in [Bits::One, Bits::Two, Bits::Four, Bits::Eight] {
        let mut list = StatusList::new(bits, 64);
        for (index, status) in [(0, 1), (7, 1), (8, 2), (63, 15)] {
            let _ = list.set(index, Status::of(status)); // not all have room for all
        }
        let mut counted = std::collections::BTreeMap::new();
        for index in 0..list.entries() {
            *counted.entry(list.status(index).unwrap().value()).or_insert(0) += 1;
        }
        assert_eq!(list.tally(), counted, "{bits:?}");
    }
}

//! Bitstring Status List: what W3C credentials say of their status, and the lists themselves.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::status_list::bitstring::{
    Bitstring, BitstringEntry, ListCredential, Purpose, UnverifiedBitstringList,
    VerifiedBitstringList,
};
use formats::status_list::{Bits, CredentialStatus, Status, StatusList, StatusListError};
use formats::w3c::W3cClaims;
use formats::{FormatError, jwt_vc_json, ldp_vc, parse, vc_jose};
use keys::algorithm::Algorithm;
use keys::jws;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);
const URI: &str = "https://issuer.example/status-lists/1/jwt/revocation";
const DID: &str = "did:web:issuer.example";
const TTL: u64 = 300;

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn entry(purpose: Purpose, index: u64) -> BitstringEntry {
    BitstringEntry::new(purpose, URI.to_owned(), index)
}

/// A list of ours: 7 is revoked, 8 suspended.
fn entries() -> StatusList {
    let mut list = StatusList::new(Bits::Two, 1024);
    assert!(list.set(7, Status::Invalid) && list.set(8, Status::Suspended));
    list
}

fn claims<'a>(encoded: &'a str, issuer: &'a str, purpose: Purpose) -> ListCredential<'a> {
    ListCredential {
        uri: URI,
        issuer,
        purpose,
        issued_at: NOW,
        expires_at: NOW.plus(43_200),
        ttl_seconds: TTL,
        encoded,
    }
}

fn options(canonicalization: Canonicalization) -> ProofOptions<'static> {
    ProofOptions {
        verification_method: "did:web:issuer.example#1",
        canonicalization,
        created: NOW,
        contexts: None,
    }
}

fn verify(
    list: &[u8],
    key: &SoftwareKey,
    entry: &BitstringEntry,
) -> Result<VerifiedBitstringList, StatusListError> {
    UnverifiedBitstringList::parse(list)?.verify(key.public_key(), entry, NOW)
}

/// Bitstring Status List §3.3: one bit for each entry of ours, and never fewer than 131072.
#[test]
fn our_entries_become_bits() {
    for (bits, index) in [(Bits::One, 200_000), (Bits::Two, 200_001), (Bits::Two, 3)] {
        let mut list = StatusList::new(bits, index + 1);
        assert!(list.set(index, Status::Invalid));
        let entries = list.entries();
        let revoked = Bitstring::of(&list, Status::Invalid);
        let again = Bitstring::decode(&revoked.encode().unwrap(), false).unwrap();
        assert_eq!(again, revoked);
        assert_eq!((again.value(index, 1), again.set()), (Some(1), 1));
        assert!(again.entries(1) >= entries.max(131_072));
        assert_eq!(Bitstring::of(&list, Status::Suspended).set(), 0);
    }
}

/// Bitstring Status List §2.2: what we publish is read again, in all forms, by both canonical forms.
#[tokio::test]
async fn a_list_is_published_and_read() {
    let key = key();
    for (purpose, status, index) in
        [(Purpose::Revocation, Status::Invalid, 7), (Purpose::Suspension, Status::Suspended, 8)]
    {
        let encoded = Bitstring::of(&entries(), status).encode().unwrap();
        let claims = claims(&encoded, DID, purpose);
        let jwt = claims.sign_jwt("1", &key).await.unwrap();
        let v1 = claims.sign_jwt_v1("1", &key).await.unwrap();
        let jcs = claims.sign_ldp(options(Canonicalization::Jcs), &key).await.unwrap();
        let rdfc = claims.sign_ldp(options(Canonicalization::Rdfc), &key).await.unwrap();
        for list in [jwt, v1, jcs, rdfc] {
            let reference = UnverifiedBitstringList::parse(&list).unwrap().key_reference();
            assert_eq!(reference.iss.as_deref(), Some(DID));
            let read = verify(&list, &key, &entry(purpose, index)).unwrap();
            for (index, expected) in
                [(index, Some(status)), (6, Some(Status::Valid)), (131_072, None), (u64::MAX, None)]
            {
                assert_eq!(read.status(&entry(purpose, index)), expected, "{purpose:?} {index}");
            }
            assert_eq!(read.issued_at(), Some(NOW));
            assert_eq!(read.fresh_until(NOW), NOW.plus(TTL));
            let other = verify(&list, &self::key(), &entry(purpose, index)).unwrap_err();
            assert_eq!(other, StatusListError::WrongSignature);
        }
    }
}

fn pack(bytes: &[u8]) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    format!("u{}", BASE64_URL_SAFE_NO_PAD.encode(encoder.finish().unwrap()))
}

fn list(subject: &Value) -> Value {
    let mut list = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"], "id": URI,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": "https://issuer.example", "validFrom": NOW.to_rfc3339(),
        "credentialSubject": {
            "type": "BitstringStatusList", "statusPurpose": "revocation",
            "encodedList": pack(&[0; 16_384]),
        },
    });
    for (name, value) in subject.as_object().unwrap() {
        list["credentialSubject"][name] = value.clone();
    }
    list
}

async fn signed(payload: &Value, key: &SoftwareKey) -> Vec<u8> {
    let header = object(json!({ "typ": "vc+jwt", "kid": "1" }));
    jws::sign(header, payload.to_string().as_bytes(), key).await.unwrap().into_bytes()
}

/// Bitstring Status List §3.2: the purpose, the type, the address, the length, the time; catalogue
/// J07: no list unpacks without an end.
#[tokio::test]
async fn a_list_that_is_not_the_right_one_says_nothing() {
    let key = key();
    let with = |change: fn(&mut Value)| {
        let mut list = list(&json!({}));
        change(&mut list);
        list
    };
    let bomb = pack(&vec![0; 17 * 1024 * 1024]);
    for (list, error) in [
        (list(&json!({ "statusPurpose": "suspension" })), StatusListError::OtherPurpose),
        (list(&json!({ "type": "StatusList2021" })), StatusListError::WrongType),
        (list(&json!({ "encodedList": pack(&[0; 16_383]) })), StatusListError::TooShort),
        (list(&json!({ "encodedList": bomb })), StatusListError::TooLong),
        (list(&json!({ "encodedList": "u!" })), StatusListError::Malformed),
        (list(&json!({ "encodedList": pack(&[0; 16_384])[1..] })), StatusListError::Malformed),
        (list(&json!({ "encodedList": "zAAAA" })), StatusListError::Malformed),
        (list(&json!({ "encodedList": null })), StatusListError::Malformed),
        (with(|list| list["id"] = "https://issuer.example/2".into()), StatusListError::OtherList),
        (with(|list| list["type"] = "VerifiableCredential".into()), StatusListError::WrongType),
        (with(|list| list["validUntil"] = "2020-01-01T00:00:00Z".into()), StatusListError::Expired),
        (
            with(|list| list["validFrom"] = "2090-01-01T00:00:00Z".into()),
            StatusListError::NotYetValid,
        ),
        (
            with(|list| list["@context"] = "urn:x".into()),
            StatusListError::Credential(FormatError::OtherDataModel),
        ),
    ] {
        let raw = signed(&list, &key).await;
        let refused = verify(&raw, &key, &entry(Purpose::Revocation, 0));
        assert_eq!(refused.unwrap_err(), error, "{list:.300}");
    }
    for (text, error) in [
        (&b"\xff"[..], StatusListError::Malformed),
        (b"{}", StatusListError::Malformed),
        (b"x", StatusListError::Credential(FormatError::Header(jws::JwsError::Malformed))),
    ] {
        assert_eq!(UnverifiedBitstringList::parse(text).unwrap_err(), error);
    }
    // Several purposes in one list; without a name it may lie anywhere.
    let mut good = list(&json!({ "statusPurpose": ["suspension", "revocation"] }));
    good.as_object_mut().unwrap().remove("id");
    let raw = signed(&good, &key).await;
    for purpose in [Purpose::Revocation, Purpose::Suspension] {
        let read = verify(&raw, &key, &entry(purpose, 0)).unwrap();
        assert_eq!(read.status(&entry(purpose, 0)), Some(Status::Valid));
    }
}

/// Bitstring Status List §2.1: entries of several bits, highest first, and what they say.
#[tokio::test]
async fn an_entry_can_have_several_bits() {
    let key = key();
    let mut bytes = vec![0; 3 * 16_384];
    bytes[..3].copy_from_slice(&[0b0010_1000, 0b0111_0000, 0b0000_0111]); // 1 2 0 7 0 0 0 7
    let list =
        list(&json!({ "encodedList": pack(&bytes), "statusPurpose": ["message", "revocation"] }));
    let raw = signed(&list, &key).await;
    for (purpose, expected) in
        [(Purpose::Message, Status::Other(3)), (Purpose::Revocation, Status::Invalid)]
    {
        let at = |index| BitstringEntry { size: 3, ..entry(purpose, index) };
        let read = verify(&raw, &key, &at(0)).unwrap();
        let said: Vec<_> = (0..8).map(|index| read.status(&at(index)).unwrap()).collect();
        let is_set = [true, true, false, true, false, false, false, true];
        let wanted = is_set.map(|is_set| if is_set { expected } else { Status::Valid });
        assert_eq!(said, wanted);
        assert_eq!(read.status(&at(131_072)), None);
    }
    let wide = BitstringEntry { size: 8, ..entry(Purpose::Message, 0) };
    assert_eq!(verify(&raw, &key, &wide).unwrap_err(), StatusListError::TooShort);
}

/// `StatusList2021`, the draft: other names, and no prefix.
#[tokio::test]
async fn a_list_of_the_draft_is_read() {
    let key = key();
    let mut bytes = vec![0; 16_384];
    bytes[0] = 0b0100_0000;
    let vc = json!({
        "@context": ["https://www.w3.org/2018/credentials/v1", "https://w3id.org/vc/status-list/2021/v1"],
        "id": URI, "type": ["VerifiableCredential", "StatusList2021Credential"],
        "issuer": "https://issuer.example", "issuanceDate": NOW.to_rfc3339(),
        "credentialSubject": {
            "id": format!("{URI}#list"), "type": "StatusList2021", "statusPurpose": "revocation",
            "encodedList": &pack(&bytes)[1..],
        },
    });
    let payload = json!({ "iss": "https://issuer.example", "nbf": NOW, "vc": vc });
    let header = object(json!({ "typ": "JWT", "kid": "1" }));
    let raw = jws::sign(header, payload.to_string().as_bytes(), &key).await.unwrap().into_bytes();
    let at = |index| BitstringEntry { is_2021: true, ..entry(Purpose::Revocation, index) };
    let read = verify(&raw, &key, &at(1)).unwrap();
    assert_eq!(
        [0, 1].map(|index| read.status(&at(index))),
        [Status::Valid, Status::Invalid].map(Some)
    );
    let refused = verify(&raw, &key, &entry(Purpose::Revocation, 1)).unwrap_err();
    assert_eq!(refused, StatusListError::WrongType);
}

/// Each W3C format of version 2.0 carries the entries, below the signature.
#[tokio::test]
async fn a_credential_says_where_its_bits_are() {
    let key = key();
    let entries = vec![entry(Purpose::Revocation, 42), entry(Purpose::Suspension, 42)];
    let status = Some(CredentialStatus::Bitstring(entries));
    let claims = |issuer: &'static str| W3cClaims {
        id: None,
        name: None,
        issuer,
        contexts: &[],
        types: &[],
        subject: None,
        claims: object(json!({ "id_number": "1" })),
        issued_at: NOW,
        expires_at: END,
        status: status.clone(),
    };
    let jwt = vc_jose::issue(claims("https://issuer.example"), "1", &key).await.unwrap();
    let ldp = ldp_vc::issue(claims(DID), options(Canonicalization::Jcs), &key).await.unwrap();
    for (format, credential) in [("vc+jwt", Value::from(jwt)), ("ldp_vc", ldp.clone())] {
        let read = parse(format, &credential).unwrap();
        assert_eq!(read.status().unwrap(), status, "{format}");
        assert_eq!(read.verify(key.public_key(), NOW).unwrap().status, status, "{format}");
    }
    let mut changed = ldp;
    changed["credentialStatus"][0]["statusListIndex"] = "43".into();
    let refused = parse("ldp_vc", &changed).unwrap().verify(key.public_key(), NOW).unwrap_err();
    assert_eq!(refused, FormatError::WrongSignature);
}

/// Bitstring Status List §2.1: what an entry must have; and that nothing unknown passes for none.
#[tokio::test]
async fn what_is_no_entry_is_refused_or_unknown() {
    let good = json!({
        "id": "urn:1", "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
        "statusListIndex": "42", "statusListCredential": URI,
    });
    let with = |name: &str, value: Value| {
        let mut entry = good.clone();
        entry[name] = value;
        entry
    };
    let known = |entries: Vec<BitstringEntry>| Ok(Some(CredentialStatus::Bitstring(entries)));
    let one = || entry(Purpose::Revocation, 42);
    let messages = |count: usize| json!(vec![json!({ "status": "0x0", "message": "m" }); count]);
    let sized = |size: Value, count: usize| {
        let mut entry = with("statusSize", size);
        entry["statusMessage"] = messages(count);
        entry
    };
    let (bad, other) = (Err(FormatError::Malformed), Ok(Some(CredentialStatus::Other)));
    let rows = [
        (good.clone(), known(vec![one()])),
        (json!([good]), known(vec![one()])),
        (
            json!([good, with("statusPurpose", "suspension".into())]),
            known(vec![one(), entry(Purpose::Suspension, 42)]),
        ),
        (with("statusListIndex", 42.into()), known(vec![one()])),
        (
            with("type", "StatusList2021Entry".into()),
            known(vec![BitstringEntry { is_2021: true, ..one() }]),
        ),
        (sized(json!(2), 4), known(vec![BitstringEntry { size: 2, ..one() }])),
        (sized(json!(2), 3), bad.clone()),
        (with("statusSize", json!(2)), bad.clone()),
        (with("statusSize", json!(0)), bad.clone()),
        (with("statusSize", json!("1")), bad.clone()),
        (sized(json!(9), 512), other.clone()),
        (with("statusListIndex", "-1".into()), bad.clone()),
        (with("statusListIndex", "+1".into()), bad.clone()),
        (with("statusListIndex", "".into()), bad.clone()),
        (with("statusListIndex", "99999999999999999999".into()), bad.clone()),
        (with("statusListCredential", "".into()), bad.clone()),
        (with("statusPurpose", Value::Null), bad),
        (with("statusPurpose", "gossip".into()), other.clone()),
        (with("type", "Other".into()), other.clone()),
        (json!([good, { "type": "Other" }]), other.clone()),
        (json!(["x"]), other),
        (with("statusPurpose", "refresh".into()), Ok(None)),
        (json!([]), Ok(None)),
        (json!(vec![good; 9]), Err(FormatError::TooLong)),
    ];
    for (status, expected) in rows {
        assert_eq!(read_status(&status).await, expected, "{status:.300}");
    }
}

/// What a credential with this `credentialStatus` says of its status.
async fn read_status(status: &Value) -> Result<Option<CredentialStatus>, FormatError> {
    let key = key();
    let payload = json!({
        "iss": "https://issuer.example", "nbf": NOW, "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": ["VerifiableCredential"], "credentialSubject": {},
            "credentialStatus": status,
        },
    });
    let header = object(json!({ "typ": "JWT" }));
    let raw = jws::sign(header, payload.to_string().as_bytes(), &key).await.unwrap();
    parse(jwt_vc_json::FORMAT, &raw.into()).and_then(|read| read.status())
}

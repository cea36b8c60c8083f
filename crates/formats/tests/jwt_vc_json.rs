//! `jwt_vc_json`, issued and received (VCI §A.1.1), and the one entrance for all formats.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use formats::binding::Binding;
use formats::jwt_vc_json::{JwtVc, issue};
use formats::verified::{Format, Verified};
use formats::w3c::W3cClaims;
use formats::{FormatError, IssueError, parse};
use keys::algorithm::Algorithm;
use keys::did::{to_did_jwk, verification_method};
use keys::jws::{self, Jws};
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);
const ISSUER: &str = "https://issuer.example";

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

async fn signed(header: Value, payload: &Value, key: &SoftwareKey) -> String {
    jws::sign(object(header), payload.to_string().as_bytes(), key).await.unwrap()
}

fn verify(raw: &str, key: &SoftwareKey) -> Result<Verified, FormatError> {
    JwtVc::parse(raw)?.verify(key.public_key(), NOW)
}

/// A good payload, to be spoilt.
fn payload() -> Value {
    json!({
        "iss": ISSUER, "sub": "did:example:1", "jti": "urn:1", "nbf": NOW.0, "exp": END.0,
        "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "id": "urn:1",
            "type": ["VerifiableCredential", "Diploma"],
            "issuer": ISSUER,
            "issuanceDate": NOW.to_rfc3339(),
            "expirationDate": END.to_rfc3339(),
            "credentialSubject": { "id": "did:example:1", "degree": "BSc" },
        },
    })
}

fn spoilt(pointer: &str, value: impl Into<Value>) -> Value {
    let mut payload = payload();
    *payload.pointer_mut(pointer).unwrap() = value.into();
    payload
}

fn without(pointer: &str) -> Value {
    let mut payload = payload();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    payload.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    payload
}

/// FMT-JWT-01, FMT-JWT-05
#[tokio::test]
async fn what_is_issued_verifies() {
    let key = key();
    let subject = to_did_jwk(key.public_key());
    for subject in [None, Some(subject.as_str())] {
        let claims = W3cClaims {
            id: None,
            name: None,
            issuer: ISSUER,
            contexts: &[],
            types: &["Diploma".to_owned()],
            subject,
            claims: object(json!({ "degree": { "type": "BSc" } })),
            issued_at: NOW,
            expires_at: END,
            status: None,
        };
        let raw = issue(claims, "key-1", &key).await.unwrap();
        let unverified = JwtVc::parse(&raw).unwrap();
        let reference = unverified.key_reference();
        assert_eq!(
            (reference.kid.as_deref(), reference.iss.as_deref()),
            (Some("key-1"), Some(ISSUER))
        );
        let verified = unverified.verify(key.public_key(), NOW).unwrap();
        assert_eq!(verified.format, Format::JwtVcJson);
        assert_eq!(verified.claims, object(json!({ "degree": { "type": "BSc" } })));
        assert_eq!(verified.types, ["VerifiableCredential", "Diploma"]);
        assert_eq!(verified.binding, subject.map(|did| Binding::Kid(did.to_owned())));
        assert_eq!((verified.not_before, verified.expires_at), (Some(NOW), Some(END)));
        assert_eq!(verified.raw, raw);
    }
}

#[tokio::test]
async fn the_jwt_says_what_version_1_wants() {
    let key = key();
    let claims = W3cClaims {
        id: None,
        name: None,
        issuer: ISSUER,
        contexts: &[],
        types: &["VerifiableCredential".to_owned(), "Diploma".to_owned()],
        subject: Some("did:example:1"),
        claims: object(json!({ "degree": "BSc" })),
        issued_at: NOW,
        expires_at: END,
        status: None,
    };
    let raw = issue(claims, "key-1", &key).await.unwrap();
    let jws = Jws::parse(&raw, 10_000).unwrap();
    assert_eq!(jws.header(), &object(json!({ "typ": "JWT", "kid": "key-1", "alg": "ES256" })));
    let mut expected = payload();
    expected.as_object_mut().unwrap().remove("jti");
    expected["vc"].as_object_mut().unwrap().remove("id");
    assert_eq!(Value::Object(jws.claims().unwrap()), expected);
}

/// FMT-JWTLD-01, FMT-JWTLD-04: the same JWT, whose contexts others may expand it by.
#[tokio::test]
async fn linked_data_have_contexts_of_their_own() {
    let key = key();
    let contexts = [json!("https://issuer.example/contexts/1"), json!({ "@vocab": "urn:x:" })];
    let claims = W3cClaims {
        id: None,
        name: None,
        issuer: ISSUER,
        contexts: &contexts,
        types: &["Diploma".to_owned()],
        subject: None,
        claims: object(json!({ "degree": "BSc" })),
        issued_at: NOW,
        expires_at: END,
        status: None,
    };
    let raw = issue(claims, "key-1", &key).await.unwrap();
    let verified = parse("jwt_vc_json-ld", &json!(raw)).unwrap();
    let verified = verified.verify(key.public_key(), NOW).unwrap();
    assert_eq!(verified.format, Format::JwtVcJsonLd);
    assert_eq!(verified.contexts[0], "https://www.w3.org/2018/credentials/v1");
    assert_eq!(verified.contexts[1..], contexts);
}

#[tokio::test]
async fn the_subject_is_not_a_claim() {
    let claims = W3cClaims {
        id: None,
        name: None,
        issuer: ISSUER,
        contexts: &[],
        types: &[],
        subject: None,
        claims: object(json!({ "id": "did:example:2" })),
        issued_at: NOW,
        expires_at: END,
        status: None,
    };
    assert_eq!(issue(claims, "1", &key()).await, Err(IssueError::ReservedClaim));
}

/// Catalogue I14: a claim and its copy in the credential are equal, or one of them is absent.
#[tokio::test]
async fn claims_and_credential_agree() {
    let key = key();
    let good = [
        payload(),
        without("/nbf"),
        without("/exp"),
        without("/sub"),
        without("/jti"),
        without("/vc/issuer"),
        without("/vc/issuanceDate"),
        without("/vc/expirationDate"),
        without("/vc/credentialSubject/id"),
        spoilt("/vc/issuer", json!({ "id": ISSUER, "name": "Uni" })),
        spoilt("/vc/credentialSubject", json!([{ "degree": "BSc" }])),
        spoilt("/vc/issuanceDate", "2027-01-15T09:00:00+01:00"),
        spoilt("/vc/type", "VerifiableCredential"),
    ];
    for payload in good {
        let raw = signed(json!({ "typ": "JWT" }), &payload, &key).await;
        let verified = verify(&raw, &key).unwrap();
        assert_eq!(verified.issuer.as_deref(), Some(ISSUER), "{payload}");
        assert_eq!(verified.claims, object(json!({ "degree": "BSc" })), "{payload}");
    }
    let contradictions = [
        spoilt("/iss", "https://other.example"),
        spoilt("/vc/issuer", "https://issuer.example/"),
        spoilt("/vc/issuer", json!({ "id": "https://other.example" })),
        spoilt("/sub", "did:example:2"),
        spoilt("/jti", "urn:2"),
        spoilt("/nbf", NOW.0 - 1),
        spoilt("/exp", END.0 + 1),
        spoilt("/vc/expirationDate", "2099-01-01T00:00:00Z"),
    ];
    for payload in contradictions {
        let raw = signed(json!({ "typ": "JWT" }), &payload, &key).await;
        assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::Contradiction, "{payload}");
    }
}

#[tokio::test]
async fn what_is_no_credential_is_refused() {
    let key = key();
    for payload in [
        without("/vc"),
        spoilt("/vc", "text"),
        without("/vc/type"),
        spoilt("/vc/type", json!(["Diploma"])),
        spoilt("/vc/type", json!(["VerifiableCredential", 5])),
        without("/vc/credentialSubject"),
        spoilt("/vc/credentialSubject", json!([])),
        spoilt("/vc/credentialSubject", json!([{}, {}])),
        spoilt("/vc/issuer", json!({ "name": "Uni" })),
        spoilt("/vc/issuanceDate", "yesterday"),
        spoilt("/exp", "1900000000"),
        spoilt("/sub", 5),
    ] {
        let raw = signed(json!({ "typ": "JWT" }), &payload, &key).await;
        assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::Malformed, "{payload}");
    }
    let raw = signed(json!({ "typ": "vc+jwt" }), &payload(), &key).await;
    assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::WrongType);
    let raw = signed(json!({}), &payload(), &key).await;
    assert!(verify(&raw, &key).is_ok(), "typ may be absent");
}

/// The dates of version 2 have other names: such a credential would never end.
#[tokio::test]
async fn another_version_of_the_data_model_is_refused() {
    let key = key();
    let v2 = "https://www.w3.org/ns/credentials/v2";
    let v1 = "https://www.w3.org/2018/credentials/v1";
    for payload in [
        without("/vc/@context"),
        spoilt("/vc/@context", json!([v2])),
        spoilt("/vc/@context", json!([v2, v1])),
        spoilt("/vc/@context", json!([])),
        spoilt("/vc/@context", v2),
    ] {
        let raw = signed(json!({}), &payload, &key).await;
        assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::OtherDataModel, "{payload}");
    }
    let alone = signed(json!({}), &spoilt("/vc/@context", v1), &key).await;
    assert!(verify(&alone, &key).is_ok(), "one context needs no array");
}

/// FMT-JWT-02: a further context is a name; nobody fetches it, and what it would define stays as it
/// is.
#[tokio::test]
async fn a_context_is_not_processed() {
    let key = key();
    let v1 = "https://www.w3.org/2018/credentials/v1";
    let contexts = json!([v1, "https://nowhere.invalid/v1", { "degree": "https://x.invalid/d" }]);
    let raw = signed(json!({}), &spoilt("/vc/@context", contexts), &key).await;
    assert_eq!(verify(&raw, &key).unwrap().claims["degree"], "BSc");
}

/// Who and when may be said inside or outside, but not nowhere.
#[tokio::test]
async fn issuer_and_beginning_are_never_missing() {
    let key = key();
    for (outside, inside) in [("iss", "issuer"), ("nbf", "issuanceDate")] {
        let mut payload = without(&format!("/{outside}"));
        payload["vc"].as_object_mut().unwrap().remove(inside).unwrap();
        let raw = signed(json!({}), &payload, &key).await;
        assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::Malformed, "{outside}");
    }
    let raw = signed(json!({}), &without("/iss"), &key).await;
    let reference = JwtVc::parse(&raw).unwrap().key_reference();
    assert_eq!(reference.iss.as_deref(), Some(ISSUER));
}

/// Only a DID leads to a key.
#[tokio::test]
async fn a_subject_that_is_no_did_binds_to_nothing() {
    let key = key();
    let mut payload = spoilt("/sub", "urn:uuid:1");
    payload["vc"]["credentialSubject"]["id"] = "urn:uuid:1".into();
    let raw = signed(json!({}), &payload, &key).await;
    assert_eq!(verify(&raw, &key).unwrap().binding, None);
}

/// Catalogue I13
#[tokio::test]
async fn a_key_of_another_did_is_a_forgery() {
    let key = key();
    let did = to_did_jwk(key.public_key());
    let kid = verification_method(&did);
    let forged = signed(json!({ "typ": "JWT", "kid": kid }), &payload(), &key).await;
    assert_eq!(verify(&forged, &key).unwrap_err(), FormatError::OtherIssuer);
    let mut own = spoilt("/iss", did.clone());
    own["vc"]["issuer"] = did.clone().into();
    let own = signed(json!({ "typ": "JWT", "kid": kid }), &own, &key).await;
    assert_eq!(verify(&own, &key).unwrap().issuer, Some(did));
}

#[tokio::test]
async fn dates_count_with_a_minute_of_leeway() {
    let key = key();
    let raw = signed(json!({}), &payload(), &key).await;
    let at = |now| JwtVc::parse(&raw).unwrap().verify(key.public_key(), now).err();
    assert_eq!(at(NOW.minus(60)), None);
    assert_eq!(at(NOW.minus(61)), Some(FormatError::NotYetValid));
    assert_eq!(at(END.plus(59)), None);
    assert_eq!(at(END.plus(60)), Some(FormatError::Expired));
    let only_inside = signed(json!({}), &without("/exp"), &key).await;
    let late = JwtVc::parse(&only_inside).unwrap().verify(key.public_key(), END.plus(60));
    assert_eq!(late.unwrap_err(), FormatError::Expired);
}

#[tokio::test]
async fn a_changed_byte_is_refused_wherever_it_is() {
    let key = key();
    let raw = signed(json!({ "typ": "JWT" }), &payload(), &key).await;
    for (place, byte) in raw.bytes().enumerate() {
        let mut changed = raw.clone().into_bytes();
        changed[place] = if byte == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify(&changed, &key).is_err(), "byte {place}");
    }
}

#[tokio::test]
async fn one_entrance_knows_the_formats() {
    let key = key();
    let jwt = signed(json!({}), &payload(), &key).await;
    let sd_jwt = signed(json!({ "typ": "vc+sd-jwt" }), &json!({ "vct": "a" }), &key).await + "~";
    let w3c = signed(json!({ "typ": "vc+sd-jwt" }), &json!({ "type": [] }), &key).await + "~";
    let cases = [
        ("jwt_vc_json", json!(jwt), None),
        ("dc+sd-jwt", json!(sd_jwt), None),
        ("vc+sd-jwt", json!(sd_jwt), None),
        ("vc+sd-jwt", json!(w3c), Some(FormatError::OtherDataModel)),
        ("dc+sd-jwt", json!(w3c), Some(FormatError::W3cSdJwt)),
        ("dc+sd-jwt", json!(jwt), Some(FormatError::CutOff)),
        ("jwt_vc_json", json!({ "credential": jwt }), Some(FormatError::Malformed)),
        ("mso_mdoc", json!("o2pu"), Some(FormatError::Malformed)),
        ("ldp_vc", json!(jwt), Some(FormatError::Malformed)),
        ("JWT_VC_JSON", json!(jwt), Some(FormatError::UnsupportedFormat)),
    ];
    for (format, credential, error) in cases {
        let verdict = parse(format, &credential);
        let verdict = verdict.and_then(|unverified| unverified.verify(key.public_key(), NOW));
        assert_eq!(verdict.err(), error, "{format} {credential}");
    }
}

//! W3C credentials 2.0 with JOSE, issued and received: `vc+jwt` and `vc+sd-jwt`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use formats::binding::Binding;
use formats::sd_jwt::SdJwtError;
use formats::sd_jwt_vc::IssuerKeyHeader;
use formats::vc_jose::{SelectiveClaims, VcJose, issue, prepare_selective, sign_selective};
use formats::verified::{Format, Verified};
use formats::w3c::W3cClaims;
use formats::{FormatError, IssueError, parse};
use keys::algorithm::Algorithm;
use keys::did::to_did_jwk;
use keys::jws::{self, Jws, JwsError};
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);
const ISSUER: &str = "https://issuer.example";
const V2: &str = "https://www.w3.org/ns/credentials/v2";

#[derive(Debug)]
struct Counting(std::sync::atomic::AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

fn claims(subject: Option<&str>) -> W3cClaims<'_> {
    W3cClaims {
        id: None,
        name: None,
        issuer: ISSUER,
        contexts: &[],
        types: &[],
        subject,
        claims: object(json!({ "name": "Ada", "degree": { "grade": 1.5 } })),
        issued_at: NOW,
        expires_at: END,
        status: None,
    }
}

fn selective(binding: Option<Binding>, subject: Option<&str>) -> SelectiveClaims<'_> {
    let selective = vec![vec!["name".into()], vec!["degree".into(), "grade".into()]];
    SelectiveClaims { claims: claims(subject), selective: selective.into(), decoys: 0, binding }
}

async fn issued_selective(claims: SelectiveClaims<'_>, key: &SoftwareKey) -> String {
    let prepared = prepare_selective(&claims, &Counting(0.into())).unwrap();
    sign_selective(&prepared, IssuerKeyHeader::Kid("key-1"), key).await.unwrap()
}

/// A good payload, to be spoilt.
fn payload() -> Value {
    json!({
        "@context": [V2], "type": ["VerifiableCredential", "Diploma"], "issuer": ISSUER,
        "iss": ISSUER, "id": "urn:1", "jti": "urn:1", "sub": "did:example:1", "exp": END.0,
        "validFrom": NOW.to_rfc3339(), "validUntil": END.to_rfc3339(),
        "credentialSubject": { "id": "did:example:1", "degree": "BSc" },
    })
}

fn spoilt(pointer: &str, value: impl Into<Value>) -> Value {
    let mut payload = payload();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    payload.pointer_mut(parent).unwrap()[name] = value.into();
    payload
}

fn without(name: &str) -> Value {
    let mut payload = payload();
    payload.as_object_mut().unwrap().remove(name).unwrap();
    payload
}

async fn signed(header: Value, payload: &Value, key: &SoftwareKey) -> String {
    jws::sign(object(header), payload.to_string().as_bytes(), key).await.unwrap()
}

fn verify(raw: &str, key: &SoftwareKey) -> Result<Verified, FormatError> {
    VcJose::parse(raw)?.verify(key.public_key(), NOW)
}

/// The payload is the credential; `typ` and `cty` say so.
#[tokio::test]
async fn what_is_issued_verifies() {
    let key = key();
    let subject = to_did_jwk(key.public_key());
    let raw = issue(claims(Some(&subject)), "key-1", &key).await.unwrap();
    let jws = Jws::parse(&raw, 10_000).unwrap();
    let header = json!({ "typ": "vc+jwt", "cty": "vc", "kid": "key-1", "alg": "ES256" });
    assert_eq!(jws.header(), &object(header));
    let expected = json!({
        "@context": [V2], "type": ["VerifiableCredential"], "issuer": ISSUER, "iss": ISSUER,
        "validFrom": NOW.to_rfc3339(), "validUntil": END.to_rfc3339(),
        "credentialSubject": { "id": subject, "name": "Ada", "degree": { "grade": 1.5 } },
    });
    assert_eq!(Value::Object(jws.claims().unwrap()), expected);
    for format in ["vc+jwt", "jwt_vc_json", "jwt_vc_json-ld"] {
        let unverified = parse(format, &json!(raw)).unwrap();
        let reference = unverified.key_reference();
        assert_eq!(
            (reference.kid.as_deref(), reference.iss.as_deref()),
            (Some("key-1"), Some(ISSUER))
        );
        let verified = unverified.verify(key.public_key(), NOW).unwrap();
        assert_eq!(verified.format, Format::VcJwt, "told by its typ");
        assert_eq!(verified.binding, Some(Binding::Kid(subject.clone())));
        assert_eq!(verified.claims, object(json!({ "name": "Ada", "degree": { "grade": 1.5 } })));
        assert_eq!((verified.not_before, verified.expires_at), (Some(NOW), Some(END)));
    }
}

#[tokio::test]
async fn the_subject_is_not_a_claim() {
    let claims = W3cClaims { claims: object(json!({ "id": "x" })), ..claims(None) };
    assert_eq!(issue(claims, "1", &key()).await, Err(IssueError::ReservedClaim));
}

/// The holder's claims can be withheld; who issued what, when and to whom cannot.
#[tokio::test]
async fn a_selective_credential_verifies() {
    let (key, holder) = (key(), key());
    let cnf = Binding::Jwk(holder.public_key().clone());
    let did = to_did_jwk(holder.public_key());
    let raw = issued_selective(selective(Some(cnf.clone()), Some(&did)), &key).await;
    let (jwt, _) = raw.split_once('~').unwrap();
    let payload = Jws::parse(jwt, 10_000).unwrap().claims().unwrap();
    assert!(payload["credentialSubject"].get("name").is_none());
    assert!(payload["credentialSubject"]["degree"].get("grade").is_none());
    let verified = parse("vc+sd-jwt", &json!(raw)).unwrap();
    let verified = verified.verify(key.public_key(), NOW).unwrap();
    assert_eq!((verified.format, verified.binding), (Format::VcSdJwt, Some(cnf)));
    assert_eq!(verified.claims, object(json!({ "name": "Ada", "degree": { "grade": 1.5 } })));
    let nothing_shown = VcJose::parse_selective(&format!("{jwt}~")).unwrap();
    let verified = nothing_shown.verify(key.public_key(), NOW).unwrap();
    assert_eq!(verified.claims, object(json!({ "degree": {} })));
}

/// A key in `cnf` and another in the subject's DID: readers of the one and of the other would take
/// different people for the holder.
#[tokio::test]
async fn two_holders_are_a_contradiction() {
    let (key, holder) = (key(), key());
    let other = to_did_jwk(key.public_key());
    let cnf = Binding::Jwk(holder.public_key().clone());
    let raw = issued_selective(selective(Some(cnf), Some(&other)), &key).await;
    let verdict = VcJose::parse_selective(&raw).unwrap().verify(key.public_key(), NOW);
    assert_eq!(verdict.unwrap_err(), FormatError::Contradiction);
}

#[tokio::test]
async fn a_spoilt_selective_credential_is_refused() {
    let key = key();
    let raw = issued_selective(selective(None, None), &key).await;
    let (jwt, disclosures) = raw.split_once('~').unwrap();
    let (first, _) = disclosures.split_once('~').unwrap();
    let shown_twice = format!("{raw}{first}~");
    let foreign = format!("{jwt}~WyJhIiwiYiIsImMiXQ~");
    let bound = format!("{raw}a.b.c");
    let verdict = |raw: &str| {
        let read = VcJose::parse_selective(raw);
        read.and_then(|read| read.verify(key.public_key(), NOW)).unwrap_err()
    };
    assert_eq!(verdict(&shown_twice), FormatError::Disclosures(SdJwtError::RepeatedDigest));
    assert_eq!(verdict(&foreign), FormatError::Disclosures(SdJwtError::Unreferenced));
    assert_eq!(verdict(&bound), FormatError::UnexpectedKeyBinding);
    assert_eq!(verdict(jwt), FormatError::CutOff);
    let plain = signed(json!({ "typ": "vc+jwt" }), &payload(), &key).await;
    assert_eq!(verdict(&format!("{plain}~")), FormatError::WrongType);
    // An end that is disclosed, or not.
    let mut concealed = without("validUntil");
    let mut claims = object(json!({ "validUntil": END.to_rfc3339() }));
    let path = vec!["validUntil".into()];
    claims = formats::sd_jwt::conceal(claims, &[path], 0, &Counting(9.into()))
        .map(|concealed_end| {
            concealed["_sd"] = concealed_end.payload["_sd"].clone();
            object(json!({ "disclosure": concealed_end.disclosures[0].text() }))
        })
        .unwrap();
    let jwt = signed(json!({ "typ": "vc+sd-jwt" }), &concealed, &key).await;
    let shown = format!("{jwt}~{}~", claims["disclosure"].as_str().unwrap());
    assert_eq!(verdict(&shown), FormatError::ProtectedClaim);
}

/// VC-JOSE-COSE: what the JWT says beside the credential does not contradict it.
#[tokio::test]
async fn jwt_and_credential_agree() {
    let key = key();
    let header = || json!({ "typ": "vc+jwt" });
    for good in [payload(), without("iss"), without("jti"), without("sub"), without("exp")] {
        let raw = signed(header(), &good, &key).await;
        assert_eq!(verify(&raw, &key).unwrap().expires_at, Some(END), "{good}");
    }
    for (bad, error) in [
        (spoilt("/iss", "https://other.example"), FormatError::Contradiction),
        (spoilt("/jti", "urn:2"), FormatError::Contradiction),
        (spoilt("/sub", "did:example:2"), FormatError::Contradiction),
        (spoilt("/vc", json!({})), FormatError::Contradiction),
        (spoilt("/vp", "nooo"), FormatError::Contradiction),
        (
            spoilt("/@context", json!(["https://www.w3.org/2018/credentials/v1"])),
            FormatError::OtherDataModel,
        ),
        (spoilt("/@context", json!([{}, V2])), FormatError::OtherDataModel),
        (spoilt("/type", json!(["Diploma"])), FormatError::Malformed),
        (spoilt("/credentialSubject", json!([{}, {}])), FormatError::Malformed),
        (spoilt("/validUntil", "tomorrow"), FormatError::Malformed),
        (spoilt("/validUntil", NOW.minus(61).to_rfc3339()), FormatError::Expired),
        (spoilt("/validFrom", NOW.plus(61).to_rfc3339()), FormatError::NotYetValid),
        (spoilt("/exp", NOW.0 - 61), FormatError::Expired),
        (spoilt("/nbf", NOW.0 + 61), FormatError::NotYetValid),
        (spoilt("/cnf", json!({ "x5t": "a" })), FormatError::BadBinding),
    ] {
        let raw = signed(header(), &bad, &key).await;
        assert_eq!(verify(&raw, &key).unwrap_err(), error, "{bad}");
    }
    let nobody = signed(
        header(),
        &{
            let mut nobody = without("iss");
            nobody.as_object_mut().unwrap().remove("issuer");
            nobody
        },
        &key,
    )
    .await;
    assert_eq!(verify(&nobody, &key).unwrap_err(), FormatError::Malformed);
}

#[tokio::test]
async fn headers_of_something_else_are_refused() {
    let key = key();
    for (header, error) in [
        (json!({}), None),
        (json!({ "typ": "application/vc+jwt", "cty": "application/vc" }), None),
        (json!({ "typ": "VC+JWT" }), None),
        (json!({ "typ": "JWT" }), None),
        (json!({ "typ": "vc+ld+jwt" }), None),
        (json!({ "typ": "vc+sd-jwt" }), Some(FormatError::WrongType)),
        (json!({ "typ": "at+jwt" }), Some(FormatError::WrongType)),
        (json!({ "typ": "openid4vci-proof+jwt" }), Some(FormatError::WrongType)),
        (json!({ "typ": "JWT", "cty": "JWT" }), Some(FormatError::WrongType)),
        (json!({ "typ": "vc+jwt", "cty": "vp" }), Some(FormatError::WrongType)),
        (json!({ "typ": 5 }), Some(FormatError::WrongType)),
        (json!({ "kid": "did:example:2#1" }), Some(FormatError::OtherIssuer)),
    ] {
        let raw = signed(header.clone(), &payload(), &key).await;
        assert_eq!(verify(&raw, &key).err(), error, "{header}");
    }
}

/// VC-JOSE-COSE §3.1.1 only recommends `typ`: what says nothing is a credential of version 2 by what it
/// says, under each name that wallets know, and nothing else is one.
#[tokio::test]
async fn a_type_that_says_nothing_is_told_by_the_payload() {
    let key = key();
    for typ in ["JWT", "jwt", "vc+ld+jwt", "application/vc+ld+jwt"] {
        let raw = signed(json!({ "typ": typ }), &payload(), &key).await;
        for format in ["vc+jwt", "jwt_vc_json", "jwt_vc_json-ld"] {
            let verified = parse(format, &json!(raw)).unwrap().verify(key.public_key(), NOW);
            assert_eq!(verified.unwrap().format, Format::VcJwt, "{typ} as {format}");
        }
        let v1 = "https://www.w3.org/2018/credentials/v1";
        for (other, error) in [
            (spoilt("/@context", json!([v1, V2])), FormatError::OtherDataModel),
            (spoilt("/@context", json!(["https://a.example", V2])), FormatError::OtherDataModel),
            (without("@context"), FormatError::OtherDataModel),
            (json!({ "iss": ISSUER, "sub": "a", "nonce": "n" }), FormatError::OtherDataModel),
            (without("credentialSubject"), FormatError::Malformed),
            (spoilt("/type", json!(["VerifiablePresentation"])), FormatError::Malformed),
            (spoilt("/vc", json!({})), FormatError::Contradiction),
        ] {
            let raw = signed(json!({ "typ": typ }), &other, &key).await;
            assert_eq!(verify(&raw, &key).unwrap_err(), error, "{typ} {other}");
            assert!(parse("jwt_vc_json", &json!(raw)).is_err(), "as jwt_vc_json: {typ} {other}");
        }
    }
    // Version 1.1 keeps its own rules, and an SD-JWT its own name.
    let selective = signed(json!({ "typ": "JWT" }), &payload(), &key).await;
    let refused = parse("vc+sd-jwt", &json!(format!("{selective}~"))).unwrap_err();
    assert_eq!(refused, FormatError::WrongType);
}

/// What is hostile to every JWT: no signature, a shared secret, another key, a changed byte, JSON that
/// readers read differently, or too much of it.
#[tokio::test]
async fn hostile_tokens_are_refused() {
    use base64::Engine as _;
    let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let (key, other) = (key(), key());
    let header = json!({ "typ": "vc+jwt" });
    let raw = signed(header.clone(), &payload(), &key).await;
    assert_eq!(verify(&raw, &other).unwrap_err(), FormatError::WrongSignature);
    let ed25519 = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    assert_eq!(verify(&raw, &ed25519).unwrap_err(), FormatError::WrongSignature);
    let (_, body) = raw.split_once('.').unwrap();
    for (alg, error) in [("none", JwsError::NoneAlgorithm), ("HS256", JwsError::MacAlgorithm)] {
        let confused = format!("{}.{body}", encode(&json!({ "alg": alg }).to_string()));
        assert_eq!(verify(&confused, &key).unwrap_err(), FormatError::Header(error));
    }
    for place in 0..raw.len() {
        let mut changed = raw.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        assert!(verify(&String::from_utf8(changed).unwrap(), &key).is_err(), "byte {place}");
    }
    let twice = payload().to_string().replacen('{', "{\"issuer\":\"https://other.example\",", 1);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
    for text in [twice, deep] {
        let raw = jws::sign(object(header.clone()), text.as_bytes(), &key).await.unwrap();
        let error = FormatError::Header(JwsError::Malformed);
        assert_eq!(verify(&raw, &key).unwrap_err(), error, "{text}");
    }
    let huge = "a".repeat(formats::CREDENTIAL_BYTES_MAX + 1);
    assert_eq!(VcJose::parse(&huge).unwrap_err(), FormatError::TooLong);
    assert_eq!(VcJose::parse_selective(&huge).unwrap_err(), FormatError::TooLong);
}

/// The W3C's own examples, good and bad.
#[test]
fn examples_of_the_w3c() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/vc-jose-cose.json")).unwrap();
    let keys = vectors["keys"].as_object().unwrap();
    let now = Timestamp(1_750_000_000);
    let mut count = 0;
    for (name, case) in vectors["cases"].as_object().unwrap() {
        let format = if name.contains("sdjwt") { "vc+sd-jwt" } else { "vc+jwt" };
        let key = PublicKey::from_jwk(&keys[case["key"].as_str().unwrap()]);
        let verdict = parse(format, &case["token"]).and_then(|unverified| {
            unverified.verify(&key.map_err(|_| FormatError::UnsupportedFormat)?, now)
        });
        let expected = case["expected"].as_str().unwrap();
        match verdict {
            Ok(verified) => {
                assert_eq!(expected, "valid", "{name}");
                assert_eq!(Value::Object(verified.claims), case["claims"], "{name}");
            }
            Err(error) => assert_eq!(expected, format!("{error:?}"), "{name}"),
        }
        count += 1;
    }
    assert_eq!(count, 9);
}

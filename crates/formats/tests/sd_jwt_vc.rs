//! `dc+sd-jwt`, issued and received (VCI §A.3, HAIP-40).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::binding::Binding;
use formats::path::Step;
use formats::sd_jwt::{SdJwtError, conceal};
use formats::sd_jwt_vc::{IssuerKeyHeader, SdJwtVc, SdJwtVcClaims, issue};
use formats::verified::{Format, Verified};
use formats::{CREDENTIAL_BYTES_MAX, FormatError, IssueError};
use keys::algorithm::Algorithm;
use keys::digest::sha256;
use keys::jws::{self, Jws, JwsError};
use keys::outside::{SystemRandom, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_900_000_000);

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

fn claims() -> SdJwtVcClaims<'static> {
    SdJwtVcClaims {
        vct: "https://issuer.example/student",
        vct_integrity: None,
        issuer: "https://issuer.example",
        claims: object(
            json!({ "given_name": "Ada", "address": { "town": "Graz", "zip": "8010" } }),
        ),
        selective: [vec!["given_name"], vec!["address"], vec!["address", "zip"]]
            .map(|path| path.into_iter().map(Step::from).collect())
            .to_vec()
            .into(),
        decoys: 0,
        binding: None,
        issued_at: NOW,
        not_before: None,
        expires_at: END,
        status: None,
    }
}

/// Signs what an attacker, or another issuer, might sign.
async fn signed(header: Value, payload: Value, key: &SoftwareKey) -> String {
    let jwt = jws::sign(object(header), payload.to_string().as_bytes(), key).await.unwrap();
    format!("{jwt}~")
}

fn verify(raw: &str, key: &SoftwareKey) -> Result<Verified, FormatError> {
    SdJwtVc::parse(raw)?.verify(key.public_key(), NOW)
}

/// FMT-SDJWT-04, FMT-SDJWT-07
#[tokio::test]
async fn what_is_issued_verifies() {
    let key = key();
    let holder = SoftwareKey::generate(Algorithm::EdDsa).unwrap().public_key().clone();
    for binding in [None, Some(Binding::Jwk(holder)), Some(Binding::Kid("did:jwk:e30#0".into()))] {
        let claims = SdJwtVcClaims { binding: binding.clone(), not_before: Some(NOW), ..claims() };
        let x5c = [vec![1, 2, 3]];
        let header = IssuerKeyHeader::X5c(&x5c);
        let raw = issue(claims, header, &key, &SystemRandom).await.unwrap();
        assert_eq!(raw.matches('~').count(), 4);
        let unverified = SdJwtVc::parse(&raw).unwrap();
        let reference = unverified.key_reference();
        assert_eq!(reference.x5c, Some(x5c.to_vec()));
        assert_eq!(reference.iss.as_deref(), Some("https://issuer.example"));
        let verified = unverified.verify(key.public_key(), NOW).unwrap();
        assert_eq!(verified.format, Format::SdJwtVc);
        assert_eq!(verified.issuer.as_deref(), Some("https://issuer.example"));
        assert_eq!(verified.types, ["https://issuer.example/student"]);
        assert_eq!(verified.claims, said());
        assert_eq!(verified.binding, binding);
        assert_eq!((verified.issued_at, verified.not_before), (Some(NOW), Some(NOW)));
        assert_eq!(verified.expires_at, Some(END));
        assert_eq!(verified.raw, raw);
    }
}

fn said() -> Map<String, Value> {
    claims().claims
}

/// FMT-SDJWT-05, FMT-SDJWT-08
#[tokio::test]
async fn nothing_selective_means_no_digests_and_one_tilde() {
    let key = key();
    let claims = SdJwtVcClaims { selective: [].as_slice().into(), ..claims() };
    let raw = issue(claims, IssuerKeyHeader::Kid("1"), &key, &SystemRandom).await.unwrap();
    let jws = Jws::parse(raw.strip_suffix('~').unwrap(), CREDENTIAL_BYTES_MAX).unwrap();
    assert_eq!(jws.header()["typ"], "dc+sd-jwt");
    assert_eq!(jws.header()["kid"], "1");
    let payload = jws.claims().unwrap();
    assert!(!payload.contains_key("_sd") && !payload.contains_key("_sd_alg"));
    assert!(!payload.contains_key("cnf") && !payload.contains_key("nbf"));
    assert_eq!(verify(&raw, &key).unwrap().claims, said());
}

/// FMT-SDJWT-06, catalogue I22
#[tokio::test]
async fn claims_cannot_take_the_names_of_the_protocol() {
    for name in ["iss", "exp", "nbf", "iat", "cnf", "vct", "status", "_sd", "_sd_alg", "..."] {
        let claims = SdJwtVcClaims { claims: object(json!({ name: 1 })), ..claims() };
        let issued = issue(claims, IssuerKeyHeader::Kid("1"), &key(), &SystemRandom).await;
        assert_eq!(issued, Err(IssueError::ReservedClaim), "{name}");
    }
}

/// The credential of RFC 9901 Appendix A.3, with disclosures in disclosures.
#[test]
fn the_example_of_the_standard_verifies() {
    let vector: Value = serde_json::from_str(include_str!("vectors/rfc-9901.json")).unwrap();
    let raw = vector["credential"].as_str().unwrap();
    let key = PublicKey::from_jwk(&vector["issuer"]).unwrap();
    let holder = PublicKey::from_jwk(&vector["holder"]).unwrap();
    let verified = SdJwtVc::parse(raw).unwrap().verify(&key, NOW).unwrap();
    assert_eq!(Value::Object(verified.claims), vector["claims"]);
    assert_eq!(verified.types, ["urn:eudi:pid:de:1"]);
    assert_eq!(verified.issuer.as_deref(), Some("https://pid-issuer.bund.de.example"));
    assert_eq!(verified.binding, Some(Binding::Jwk(holder)));
    let times = (verified.issued_at, verified.expires_at);
    assert_eq!(times, (Some(Timestamp(1_683_000_000)), Some(Timestamp(1_883_000_000))));
}

/// Credentials made by an implementation that is not ours.
#[test]
fn foreign_credentials_verify() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/sd-jwt-python.json")).unwrap();
    let key = PublicKey::from_jwk(&vectors["issuer"]).unwrap();
    let holder = PublicKey::from_jwk(&vectors["holder"]).unwrap();
    for case in vectors["cases"].as_array().unwrap() {
        let raw = case["credential"].as_str().unwrap();
        let verified = SdJwtVc::parse(raw).unwrap().verify(&key, NOW).unwrap();
        assert_eq!(Value::Object(verified.claims), case["claims"], "{}", case["name"]);
        assert_eq!(verified.binding, Some(Binding::Jwk(holder.clone())));
        assert_eq!(verified.types, ["https://issuer.example/person"]);
    }
}

#[tokio::test]
async fn a_changed_byte_is_refused_wherever_it_is() {
    let key = key();
    let raw = issue(claims(), IssuerKeyHeader::Kid("1"), &key, &SystemRandom).await.unwrap();
    for (place, byte) in raw.bytes().enumerate() {
        let mut changed = raw.clone().into_bytes();
        changed[place] = if byte == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify(&changed, &key).is_err(), "byte {place}");
    }
}

/// Catalogue I01
#[tokio::test]
async fn an_unsigned_credential_is_refused() {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let payload = part(json!({ "vct": "a" }));
    let none = part(json!({ "typ": "dc+sd-jwt", "alg": "none" }));
    let es256 = part(json!({ "typ": "dc+sd-jwt", "alg": "ES256" }));
    let key = key();
    let verdict = verify(&format!("{none}.{payload}.~"), &key);
    assert_eq!(verdict.unwrap_err(), FormatError::Header(JwsError::NoneAlgorithm));
    let verdict = verify(&format!("{es256}.{payload}.~"), &key);
    assert_eq!(verdict.unwrap_err(), FormatError::WrongSignature);
}

/// FMT-SDJWT-10, and the ambiguity of `vc+sd-jwt`.
#[tokio::test]
async fn the_type_is_told_by_typ_and_vct() {
    let key = key();
    let w3c = json!({ "@context": [], "type": ["VerifiableCredential"] });
    let cases = [
        ("dc+sd-jwt", json!({ "vct": "a" }), None),
        ("vc+sd-jwt", json!({ "vct": "a" }), None),
        ("vc+sd-jwt", w3c.clone(), Some(FormatError::W3cSdJwt)),
        ("dc+sd-jwt", w3c, Some(FormatError::Malformed)),
        ("dc+sd-jwt", json!({ "vct": 5 }), Some(FormatError::Malformed)),
        ("JWT", json!({ "vct": "a" }), Some(FormatError::WrongType)),
        ("openid4vci-proof+jwt", json!({ "vct": "a" }), Some(FormatError::WrongType)),
        ("DC+SD-JWT", json!({ "vct": "a" }), Some(FormatError::WrongType)),
    ];
    for (typ, payload, error) in cases {
        let raw = signed(json!({ "typ": typ }), payload.clone(), &key).await;
        assert_eq!(verify(&raw, &key).err(), error, "{typ} {payload}");
    }
}

/// RFC 9901 §7.2
#[tokio::test]
async fn the_form_is_strict() {
    let key = key();
    let raw = signed(json!({ "typ": "dc+sd-jwt" }), json!({ "vct": "a" }), &key).await;
    let cases = [
        ("no tilde", raw.trim_end_matches('~').to_owned(), FormatError::CutOff),
        ("a key binding", format!("{raw}e30.e30.AA"), FormatError::UnexpectedKeyBinding),
        ("empty", String::new(), FormatError::CutOff),
        ("only tildes", "~~~".to_owned(), FormatError::Header(JwsError::Malformed)),
        ("too long", "a".repeat(CREDENTIAL_BYTES_MAX + 1), FormatError::TooLong),
        (
            "a stray disclosure",
            format!("{raw}W10~"),
            FormatError::Disclosures(SdJwtError::Unreferenced),
        ),
    ];
    for (name, raw, error) in cases {
        assert_eq!(verify(&raw, &key).unwrap_err(), error, "{name}");
    }
}

/// FMT-SDJWT-06, catalogue I05
#[tokio::test]
async fn protected_claims_are_never_disclosed() {
    let key = key();
    for name in ["iss", "nbf", "exp", "cnf", "status", "aka_vcts"] {
        let disclosure = BASE64_URL_SAFE_NO_PAD.encode(json!(["salt", name, 5]).to_string());
        let digest = BASE64_URL_SAFE_NO_PAD.encode(sha256(disclosure.as_bytes()));
        let payload = json!({ "vct": "a", "_sd": [digest] });
        let raw = signed(json!({ "typ": "dc+sd-jwt" }), payload, &key).await;
        let verdict = verify(&format!("{raw}{disclosure}~"), &key);
        assert_eq!(verdict.unwrap_err(), FormatError::ProtectedClaim, "{name}");
        assert!(verify(&raw, &key).is_ok(), "a digest alone may be anything");
    }
    let below = json!({ "vct": "a", "cnf": { "jwk": { "_sd": ["x"] } } });
    let raw = signed(json!({ "typ": "dc+sd-jwt" }), below, &key).await;
    assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::ProtectedClaim);
}

/// FMT-SDJWT-06: `sub` and `iat` are not protected.
#[tokio::test]
async fn unprotected_claims_may_be_disclosed() {
    let key = key();
    let (sub, iat) = (json!(["salt", "sub", "somebody"]), json!(["salt", "iat", 5]));
    let [sub, iat] = [sub, iat].map(|parts| BASE64_URL_SAFE_NO_PAD.encode(parts.to_string()));
    let digest = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()));
    let payload = json!({ "vct": "a", "_sd": [digest(&sub), digest(&iat)] });
    let raw = signed(json!({ "typ": "dc+sd-jwt" }), payload, &key).await;
    let verified = verify(&format!("{raw}{sub}~{iat}~"), &key).unwrap();
    assert_eq!(verified.claims, object(json!({ "sub": "somebody" })));
    assert_eq!(verified.issued_at, Some(Timestamp(5)));
}

/// What cannot be received is not issued.
#[tokio::test]
async fn a_credential_that_is_too_long_is_not_issued() {
    let photo = json!({ "photo": "a".repeat(CREDENTIAL_BYTES_MAX) });
    let claims = SdJwtVcClaims { claims: object(photo), ..claims() };
    let issued = issue(claims, IssuerKeyHeader::Kid("1"), &key(), &SystemRandom).await;
    assert_eq!(issued, Err(IssueError::TooLong));
}

/// A header may be wrong in ways that the signature does not tell.
#[tokio::test]
async fn a_header_that_refers_to_no_key_is_refused() {
    let key = key();
    for (name, value) in [("kid", json!(5)), ("x5c", json!([])), ("x5c", json!("MA=="))] {
        let header = json!({ "typ": "dc+sd-jwt", name: value });
        let raw = signed(header, json!({ "vct": "a" }), &key).await;
        assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::Malformed, "{name} {value}");
    }
}

/// I03: nobody can add or exchange a disclosure.
#[tokio::test]
async fn disclosures_of_another_credential_are_refused() {
    let key = key();
    let raw = issue(claims(), IssuerKeyHeader::Kid("1"), &key, &SystemRandom).await.unwrap();
    let foreign = conceal(said(), &claims().selective, 0, &SystemRandom).unwrap();
    let verdict = verify(&format!("{raw}{}~", foreign.disclosures[0].text()), &key);
    let unreferenced = FormatError::Disclosures(SdJwtError::Unreferenced);
    assert_eq!(verdict.unwrap_err(), unreferenced);
}

#[tokio::test]
async fn dates_count_with_a_minute_of_leeway() {
    let key = key();
    let cases = [
        (json!({}), None),
        (json!({ "exp": NOW.0 - 59 }), None),
        (json!({ "exp": NOW.0 - 60 }), Some(FormatError::Expired)),
        (json!({ "exp": 0 }), Some(FormatError::Expired)),
        (json!({ "nbf": NOW.0 + 60 }), None),
        (json!({ "nbf": NOW.0 + 61 }), Some(FormatError::NotYetValid)),
        (json!({ "exp": 1_900_000_000.5, "iat": 1.5 }), None),
        (json!({ "exp": "1900000000" }), Some(FormatError::Malformed)),
        (json!({ "exp": -1 }), Some(FormatError::Malformed)),
        (json!({ "exp": 1e300 }), Some(FormatError::Malformed)),
        (json!({ "nbf": null }), Some(FormatError::Malformed)),
    ];
    for (dates, error) in cases {
        let mut payload = object(dates.clone());
        payload.insert("vct".into(), "a".into());
        let raw = signed(json!({ "typ": "dc+sd-jwt" }), payload.into(), &key).await;
        assert_eq!(verify(&raw, &key).err(), error, "{dates}");
    }
}

/// A reader that cannot be sure of the key must not take the credential for a bearer's.
#[tokio::test]
async fn a_binding_that_names_no_key_is_refused() {
    let key = key();
    let mut private = key.public_key().to_jwk();
    private.insert("d".into(), "AAAA".into());
    for cnf in [
        json!({}),
        json!("kid"),
        json!({ "kid": 5 }),
        json!({ "jwk": {} }),
        json!({ "jwk": private }),
    ] {
        let payload = json!({ "vct": "a", "cnf": cnf });
        let raw = signed(json!({ "typ": "dc+sd-jwt" }), payload, &key).await;
        assert_eq!(verify(&raw, &key).unwrap_err(), FormatError::BadBinding, "{cnf}");
    }
}

#[tokio::test]
async fn another_key_does_not_verify() {
    let raw = issue(claims(), IssuerKeyHeader::Kid("1"), &key(), &SystemRandom).await.unwrap();
    assert_eq!(verify(&raw, &key()).unwrap_err(), FormatError::WrongSignature);
    let other = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    assert_eq!(verify(&raw, &other).unwrap_err(), FormatError::WrongSignature);
}

//! What is not signed: one spoiled payload for each rule of the linter, in each family of formats.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use formats::binding::Binding;
use formats::data_integrity::Canonicalization;
use formats::lint::{Expected, LintFault, TypeName, check};
use formats::mso_mdoc::{self, Element, MdocClaims, NameSpace};
use formats::path::Step;
use formats::sd_jwt::Concealed;
use formats::sd_jwt_vc::{self, SdJwtVcClaims};
use formats::status_list::{CredentialStatus, StatusReference};
use formats::unsigned::Unsigned;
use formats::vc_jose::{self, SelectiveClaims};
use formats::w3c::W3cClaims;
use formats::{CREDENTIAL_BYTES_MAX, jwt_vc_json, ldp_vc};
use keys::algorithm::Algorithm;
use keys::did;
use keys::outside::{SystemRandom, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://issuer.example";
const VCT: &str = "https://issuer.example/credentials/card";
const DOCTYPE: &str = "org.example.card.1.card";
const BEGIN: Timestamp = Timestamp(1_800_000_000);
const NOW: Timestamp = Timestamp(1_800_000_600);
const END: Timestamp = Timestamp(1_810_000_000);
/// Of the certificate.
const LIFE: (Timestamp, Timestamp) = (BEGIN, END);
const ENTRIES: u64 = 1024;

fn key() -> PublicKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().clone()
}

fn status() -> StatusReference {
    StatusReference { uri: "https://issuer.example/status-lists/1".to_owned(), idx: 17 }
}

fn claims() -> Map<String, Value> {
    let claims = json!({ "given_name": "Erika", "degrees": ["BSc", "MSc"] });
    claims.as_object().unwrap().clone()
}

fn selective() -> Vec<Vec<Step>> {
    vec![vec![Step::from("given_name")], vec![Step::from("degrees"), Step::Every]]
}

fn types() -> Vec<String> {
    vec!["VerifiableCredential".to_owned(), "Card".to_owned()]
}

/// A good credential, and what it has to be.
struct Case {
    unsigned: Unsigned,
    key: PublicKey,
    binding: Binding,
    status: Option<CredentialStatus>,
    types: Vec<String>,
    certificate: Option<(Timestamp, Timestamp)>,
}

impl Case {
    fn expected(&self) -> Expected<'_> {
        let type_name = match self.unsigned {
            Unsigned::SdJwtVc(_) => TypeName::Vct(VCT),
            Unsigned::MsoMdoc(_) => TypeName::DocType(DOCTYPE),
            Unsigned::JwtVcJson(_)
            | Unsigned::VcJwt(_)
            | Unsigned::VcSdJwt(_)
            | Unsigned::LdpVc(..) => TypeName::W3c {
                contexts: &[],
                types: &self.types,
                has_id: true,
                name: Some("Card"),
            },
        };
        Expected {
            type_name,
            issuer: ISSUER,
            holder: Some((&self.key, &self.binding)),
            now: NOW,
            certificate: self.certificate,
            country: None,
            status: self.status.as_ref().map(|status| (status, ENTRIES)),
        }
    }

    fn check(&self) -> Result<(), LintFault> {
        check(&self.unsigned, &self.expected())
    }

    fn of(unsigned: Unsigned, key: PublicKey, status: Option<StatusReference>) -> Self {
        let binding = Binding::Jwk(key.clone());
        let status = status.map(CredentialStatus::StatusList);
        Self { unsigned, key, binding, status, types: types(), certificate: Some(LIFE) }
    }

    fn concealed(&mut self) -> &mut Concealed {
        match &mut self.unsigned {
            Unsigned::SdJwtVc(concealed) | Unsigned::VcSdJwt(concealed) => concealed,
            Unsigned::MsoMdoc(_)
            | Unsigned::JwtVcJson(_)
            | Unsigned::VcJwt(_)
            | Unsigned::LdpVc(..) => unreachable!("it is no SD-JWT"),
        }
    }

    fn payload(&mut self) -> &mut Map<String, Value> {
        match &mut self.unsigned {
            Unsigned::SdJwtVc(concealed) | Unsigned::VcSdJwt(concealed) => &mut concealed.payload,
            Unsigned::JwtVcJson(payload)
            | Unsigned::VcJwt(payload)
            | Unsigned::LdpVc(payload, _) => payload,
            Unsigned::MsoMdoc(_) => unreachable!("it has no JSON"),
        }
    }

    /// Changes the payload and tells what the linter says of it.
    fn spoiled(mut self, spoil: impl FnOnce(&mut Map<String, Value>)) -> Result<(), LintFault> {
        spoil(self.payload());
        self.check()
    }
}

fn sd_jwt() -> Case {
    let key = key();
    let claims = SdJwtVcClaims {
        vct: VCT,
        vct_integrity: None,
        issuer: ISSUER,
        claims: claims(),
        selective: selective().into(),
        decoys: 2,
        binding: Some(Binding::Jwk(key.clone())),
        issued_at: BEGIN,
        not_before: None,
        expires_at: END,
        status: Some(status()),
    };
    let made = sd_jwt_vc::prepare(claims, &SystemRandom).unwrap();
    Case::of(Unsigned::SdJwtVc(made), key, Some(status()))
}

fn mdoc_of(key: &PublicKey, (begin, end): (Timestamp, Timestamp)) -> Unsigned {
    let element = |name: &str, text: &str| (name.to_owned(), Element::Text(text.to_owned()));
    let elements = vec![element("given_name", "x"), element("issuing_country", "UT")];
    let claims = MdocClaims {
        doc_type: DOCTYPE,
        name_spaces: vec![NameSpace { name: "org.example.card.1".to_owned(), elements }],
        device_key: key,
        signed_at: begin,
        expires_at: end,
        status: Some(status()),
    };
    Unsigned::MsoMdoc(mso_mdoc::prepare(&claims, &SystemRandom).unwrap())
}

fn mdoc() -> Case {
    let key = key();
    Case::of(mdoc_of(&key, LIFE), key, Some(status()))
}

/// The four formats of W3C credentials; all with the same claims.
fn w3c() -> [Case; 4] {
    let key = key();
    let (types, subject) = (types(), did::to_did_jwk(&key));
    let claims = |status: Option<StatusReference>| W3cClaims {
        id: Some("urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6".to_owned()),
        name: Some("Card"),
        issuer: ISSUER,
        contexts: &[],
        types: &types,
        subject: Some(&subject),
        claims: claims(),
        issued_at: BEGIN,
        expires_at: END,
        status: status.map(CredentialStatus::StatusList),
    };
    let binding = Some(Binding::Jwk(key.clone()));
    let selective = SelectiveClaims {
        claims: claims(Some(status())),
        selective: selective().into(),
        decoys: 0,
        binding,
    };
    let jwt = jwt_vc_json::prepare(&claims(Some(status()))).unwrap();
    let jose = vc_jose::prepare(&claims(Some(status()))).unwrap();
    let selective = vc_jose::prepare_selective(&selective, &SystemRandom).unwrap();
    let linked = ldp_vc::prepare(&claims(None)).unwrap();
    [
        (Unsigned::JwtVcJson(jwt), Some(status())),
        (Unsigned::VcJwt(jose), Some(status())),
        (Unsigned::VcSdJwt(selective), Some(status())),
        (Unsigned::LdpVc(linked, Canonicalization::Jcs), None),
    ]
    .map(|(unsigned, status)| Case { certificate: None, ..Case::of(unsigned, key.clone(), status) })
}

/// All that have JSON.
fn json_cases() -> Vec<Case> {
    let mut cases = vec![sd_jwt()];
    cases.extend(w3c());
    cases
}

fn all_cases() -> Vec<Case> {
    let mut cases = json_cases();
    cases.push(mdoc());
    cases
}

#[test]
fn what_is_well_made_is_signed() {
    for case in all_cases() {
        assert_eq!(case.check(), Ok(()), "{:?}", case.unsigned);
    }
}

#[test]
fn another_type_is_not_signed() {
    let spoiled = sd_jwt().spoiled(|payload| drop(payload.insert("vct".into(), "other".into())));
    assert_eq!(spoiled, Err(LintFault::WrongType));
    let mdoc = mdoc();
    let expected =
        Expected { type_name: TypeName::DocType("org.example.other"), ..mdoc.expected() };
    assert_eq!(check(&mdoc.unsigned, &expected), Err(LintFault::WrongType));
    for mut case in w3c() {
        case.types.push("Diploma".to_owned());
        assert_eq!(case.check(), Err(LintFault::WrongType));
        let expected = Expected { type_name: TypeName::Vct(VCT), ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::WrongType));
    }
    for case in w3c() {
        let context = &[json!("https://other.example")];
        let type_name = TypeName::W3c {
            contexts: context,
            types: &case.types,
            has_id: true,
            name: Some("Card"),
        };
        let expected = Expected { type_name, ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::WrongType));
    }
}

/// What a type gives each credential as a name is there, and in one voice.
#[test]
fn another_name_is_not_signed() {
    for case in w3c() {
        let without = case.spoiled(|payload| drop(credential_of(payload).remove("id")));
        assert_eq!(without, Err(LintFault::WrongType));
    }
    for case in w3c() {
        let chosen = case.spoiled(|payload| {
            credential_of(payload).insert("id".into(), "https://issuer.example/erika".into());
        });
        assert_eq!(chosen, Err(LintFault::WrongType));
    }
    let [jwt, jose, ..] = w3c();
    let other = jwt.spoiled(|payload| drop(payload.insert("jti".into(), "urn:uuid:1".into())));
    assert_eq!(other, Err(LintFault::WrongType));
    let other = jose.spoiled(|payload| drop(payload.insert("name".into(), "Licence".into())));
    assert_eq!(other, Err(LintFault::WrongType));
}

#[test]
fn another_issuer_is_not_signed() {
    for case in json_cases() {
        let expected = Expected { issuer: "https://other.example", ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::WrongIssuer));
    }
}

#[test]
fn contradictory_times_are_not_signed() {
    for case in all_cases() {
        for now in [Timestamp(BEGIN.0 - 1), Timestamp(END.0 + 1)] {
            let expected = Expected { now, certificate: None, ..case.expected() };
            let fault = check(&case.unsigned, &expected);
            let is_it =
                matches!(fault, Err(LintFault::WrongTimes | LintFault::SignedOutsideCertificate));
            assert!(is_it, "{fault:?}");
        }
    }
    let spoiled = w3c().into_iter().next().unwrap().spoiled(|payload| {
        payload.insert("exp".into(), (END.0 + 1).into());
    });
    assert_eq!(spoiled, Err(LintFault::WrongTimes), "the JWT and the credential in it differ");
}

/// RFC 5280 §6.1
#[test]
fn what_outlives_the_certificate_is_not_signed() {
    for case in [sd_jwt(), mdoc()] {
        let certificate = Some((BEGIN, Timestamp(END.0 - 1)));
        let expected = Expected { certificate, ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::OutlivesCertificate));
        let certificate = Some((Timestamp(NOW.0 + 1), END));
        let expected = Expected { certificate, ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::SignedOutsideCertificate));
    }
}

/// ISO 18013-5 §9.3.1, RFC 5280 §6.1
#[test]
fn what_says_to_be_older_than_its_certificate_is_not_signed() {
    for case in all_cases() {
        let expected = Expected { certificate: Some((NOW, END)), ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::SignedOutsideCertificate));
    }
    let mut case = sd_jwt();
    case.payload().insert("nbf".into(), NOW.0.into());
    let expected = Expected { certificate: Some((NOW, END)), ..case.expected() };
    assert_eq!(check(&case.unsigned, &expected), Err(LintFault::SignedOutsideCertificate), "iat");
}

/// ISO 18013-5 §9.3.1
#[test]
fn an_mdoc_of_another_country_than_its_certificate_is_not_signed() {
    let case = mdoc();
    for (country, fault) in [
        (None, Ok(())),
        (Some("UT"), Ok(())),
        (Some("ut"), Ok(())),
        (Some("DE"), Err(LintFault::OtherCountry)),
    ] {
        let expected = Expected { country, ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), fault, "{country:?}");
    }
}

#[test]
fn another_key_or_none_is_not_signed() {
    let other = key();
    let binding = Binding::Jwk(other.clone());
    for case in all_cases() {
        let expected = Expected { holder: Some((&other, &binding)), ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::WrongBinding));
        let expected = Expected { holder: None, ..case.expected() };
        assert_eq!(check(&case.unsigned, &expected), Err(LintFault::WrongBinding));
    }
    let [jwt, _, selective, _] = w3c();
    let spoiled = jwt.spoiled(|payload| drop(payload.insert("sub".into(), "did:web:x".into())));
    assert_eq!(spoiled, Err(LintFault::WrongBinding));
    let spoiled = selective.spoiled(|payload| drop(payload.remove("cnf")));
    assert_eq!(spoiled, Err(LintFault::WrongBinding));
}

/// FMT-SDJWT-06
#[test]
fn reserved_names_are_not_signed() {
    for case in json_cases() {
        let spoiled = case.spoiled(|payload| drop(payload.insert("aud".into(), "x".into())));
        assert_eq!(spoiled, Err(LintFault::ReservedName));
    }
    for name in ["...", "_sd"] {
        let spoiled = sd_jwt().spoiled(|payload| {
            payload.insert("address".into(), json!({ name: "x" }));
        });
        assert_eq!(spoiled, Err(LintFault::ReservedName), "{name}");
    }
    let mut case = sd_jwt();
    let hidden = formats::sd_jwt::conceal(
        json!({ "exp": 1 }).as_object().unwrap().clone(),
        &[vec![Step::from("exp")]],
        0,
        &SystemRandom,
    );
    let hidden = hidden.unwrap();
    let digest = hidden.payload["_sd"][0].clone();
    let concealed = case.concealed();
    concealed.payload["_sd"].as_array_mut().unwrap().push(digest);
    concealed.disclosures.extend(hidden.disclosures);
    assert_eq!(case.check(), Err(LintFault::ReservedName), "exp can be left out");
}

/// RFC 9901 §7.1
#[test]
fn digests_are_there_once_and_none_is_missing() {
    let twice = sd_jwt().spoiled(|payload| {
        let digest = payload["_sd"][0].clone();
        payload["_sd"].as_array_mut().unwrap().push(digest);
    });
    assert_eq!(twice, Err(LintFault::RepeatedDigest));
    let gone = sd_jwt().spoiled(|payload| drop(payload.remove("degrees")));
    assert_eq!(gone, Err(LintFault::MissingDigest));
    let mut case = sd_jwt();
    let first = case.concealed().disclosures[0].clone();
    case.concealed().disclosures.push(first);
    assert_eq!(case.check(), Err(LintFault::RepeatedDigest));
}

/// HAIP-45
#[test]
fn another_entry_of_a_status_list_is_not_signed() {
    for mut case in all_cases() {
        let is_listed = case.status.is_some();
        let other = |idx| CredentialStatus::StatusList(StatusReference { idx, ..status() });
        case.status = Some(other(18));
        assert_eq!(case.check(), Err(LintFault::WrongStatus), "another");
        case.status = Some(other(ENTRIES));
        assert_eq!(case.check(), Err(LintFault::OutsideStatusList));
        case.status = None;
        let none = if is_listed { Err(LintFault::WrongStatus) } else { Ok(()) };
        assert_eq!(case.check(), none, "none was recorded");
    }
}

/// Where a payload has the credential.
fn credential_of(payload: &mut Map<String, Value>) -> &mut Map<String, Value> {
    if payload.contains_key("vc") { payload["vc"].as_object_mut().unwrap() } else { payload }
}

/// Where a payload has the claims of its subject.
fn claims_of(payload: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let outer = credential_of(payload);
    if outer.contains_key("credentialSubject") {
        return outer["credentialSubject"].as_object_mut().unwrap();
    }
    outer
}

#[test]
fn what_no_wallet_would_read_is_not_signed() {
    for case in json_cases() {
        let spoiled = case.spoiled(|payload| {
            let long = "x".repeat(CREDENTIAL_BYTES_MAX);
            claims_of(payload).insert("given_name".into(), long.into());
        });
        assert_eq!(spoiled, Err(LintFault::TooLong));
    }
}

/// VCDM 2.0 §4.8: a credential for whoever bears it, without a claim, has a subject without a property.
#[test]
fn what_says_nothing_of_its_subject_is_not_signed() {
    for mut case in w3c() {
        let is_older = matches!(case.unsigned, Unsigned::JwtVcJson(_));
        let payload = case.payload();
        payload.remove("sub");
        payload.remove("cnf");
        credential_of(payload).insert("credentialSubject".into(), json!({}));
        let nothing = check(&case.unsigned, &Expected { holder: None, ..case.expected() });
        let wanted = if is_older { Ok(()) } else { Err(LintFault::SaysNothing) };
        assert_eq!(nothing, wanted, "{:?}", case.unsigned);
    }
}

//! W3C credentials: `vc+jwt`, `vc+sd-jwt`, `jwt_vc_json`, and `ldp_vc` by each canonical form.

use std::collections::BTreeSet;

use formats::data_integrity::sd::derive;
use formats::data_integrity::{Canonicalization, Contexts, ProofOptions};
use formats::sd_jwt_vc::IssuerKeyHeader;
use formats::vc_jose::SelectiveClaims;
use formats::w3c::W3cClaims;
use formats::{FormatError, jwt_vc_json, ldp_vc, parse, parse_raw, vc_jose};
use keys::jws::Jws;
use keys::outside::SystemRandom;
use serde_json::json;

use super::claims::{claims, linked};
use super::sd_jwt::{Card, Holder, card_without};
use super::*;

const DID: &str = "did:web:issuer.example";
const SUBJECT: &str = "did:example:1";

/// How a credential is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secured {
    VcJwt,
    JwtVcJson,
    LdpVc(Canonicalization),
}

/// Of these, what may be said is no matter of contexts.
const AS_JSON: [Secured; 3] =
    [Secured::VcJwt, Secured::JwtVcJson, Secured::LdpVc(Canonicalization::Jcs)];
const AS_STATEMENTS: [Secured; 2] =
    [Secured::LdpVc(Canonicalization::Rdfc), Secured::LdpVc(Canonicalization::Selective)];

impl Secured {
    const fn format(self) -> &'static str {
        match self {
            Self::VcJwt => vc_jose::FORMAT,
            Self::JwtVcJson => jwt_vc_json::FORMAT,
            Self::LdpVc(_) => ldp_vc::FORMAT,
        }
    }

    const fn is_on_statements(self) -> bool {
        matches!(self, Self::LdpVc(Canonicalization::Rdfc | Canonicalization::Selective))
    }
}

fn said<'c>(issuer: &'c str, contexts: &'c [Value], claims: Map<String, Value>) -> W3cClaims<'c> {
    W3cClaims {
        id: None,
        name: None,
        issuer,
        contexts,
        types: &[],
        subject: Some(SUBJECT),
        claims,
        issued_at: NOW,
        expires_at: END,
        status: None,
    }
}

/// Text of a credential.
fn issued(secured: Secured, claims: Map<String, Value>) -> String {
    let vocabulary = [json!({ "@vocab": "https://issuer.example/terms#" })];
    let contexts = if secured.is_on_statements() { &vocabulary[..] } else { &[] };
    match secured {
        Secured::VcJwt => now(vc_jose::issue(said(ISSUER, contexts, claims), "1", &*KEY)).unwrap(),
        Secured::JwtVcJson => {
            now(jwt_vc_json::issue(said(ISSUER, contexts, claims), "1", &*KEY)).unwrap()
        }
        Secured::LdpVc(canonicalization) => {
            let verification_method = "did:web:issuer.example#1";
            let options = ProofOptions {
                verification_method,
                canonicalization,
                created: NOW,
                contexts: None,
            };
            let made = ldp_vc::prepare(&said(DID, contexts, claims)).unwrap();
            let signed = if canonicalization == Canonicalization::Selective {
                now(ldp_vc::sign_selective(made, options, &[], (&*KEY, &SystemRandom)))
            } else {
                now(ldp_vc::sign(made, options, &*KEY))
            };
            signed.unwrap().to_string()
        }
    }
}

fn read(secured: Secured, raw: &str) -> Result<Map<String, Value>, FormatError> {
    Ok(parse_raw(secured.format(), raw)?.verify(public_key(), NOW)?.claims)
}

fn drawn() -> impl Strategy<Value = (Secured, Map<String, Value>)> {
    prop_oneof![
        (prop::sample::select(&AS_JSON[..]), claims(&["id"])),
        (prop::sample::select(&AS_STATEMENTS[..]), linked()),
    ]
}

#[test]
fn what_is_issued_is_read() {
    for_all(&drawn(), |(secured, claims)| {
        let raw = issued(secured, claims.clone());
        assert_eq!(read(secured, &raw), Ok(claims), "{raw}");
    });
}

/// JSON has several spellings of one value; what is read is what was signed all the same.
#[test]
fn whatever_is_changed_is_refused() {
    for_all(&(drawn(), changes()), |((secured, claims), changes)| {
        let raw = issued(secured, claims.clone());
        for change in changes {
            let changed = changed(&raw, change);
            let is_other_spelling = secured.format() == ldp_vc::FORMAT && is_same(&changed, &raw);
            let verdict = read(secured, &changed);
            assert!(is_other_spelling || verdict.is_err(), "{changed} for {raw}");
        }
    });
}

/// Whether both texts say the same.
fn is_same(one: &str, other: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    value(one).is_some_and(|one| Some(one) == value(other))
}

/// RFC 8785: an `ldp_vc` is signed as what it says, so that its members may come in any order and with
/// any white space.
#[test]
fn the_spelling_of_json_is_not_signed() {
    let jcs = Secured::LdpVc(Canonicalization::Jcs);
    for_all(&claims(&["id"]), |claims| {
        let raw = issued(jcs, claims.clone());
        let value: Value = serde_json::from_str(&raw).unwrap();
        let spelled = serde_json::to_string_pretty(&value).unwrap();
        let respelled: Value = serde_json::from_str(&spelled).unwrap();
        let verified = parse(ldp_vc::FORMAT, &respelled).unwrap().verify(public_key(), NOW);
        assert_eq!(verified.unwrap().claims, claims);
    });
}

/// `vc+sd-jwt` of the W3C: claims of a subject, some of which may be left out.
fn selective(card: &Card) -> String {
    let claims = SelectiveClaims {
        claims: said(ISSUER, &[], card.claims.clone()),
        selective: card.selective.as_slice().into(),
        decoys: card.decoys,
        binding: None,
    };
    let made = vc_jose::prepare_selective(&claims, &SystemRandom).unwrap();
    now(vc_jose::sign_selective(&made, IssuerKeyHeader::Kid("1"), &*KEY)).unwrap()
}

fn read_selective(raw: &str) -> Result<Map<String, Value>, FormatError> {
    Ok(parse_raw(vc_jose::SD_FORMAT, raw)?.verify(public_key(), NOW)?.claims)
}

/// RFC 9901 §7.1: the same of a W3C credential, whole and shown in part.
#[test]
fn what_is_shown_of_a_vc_sd_jwt_is_seen_and_nothing_else() {
    let decisions = proptest::collection::vec(any::<bool>(), 1..40);
    for_all(&(card_without(&["id"]), decisions), |(card, decisions)| {
        let raw = selective(&card);
        assert_eq!(read_selective(&raw), Ok(card.claims.clone()));
        let (signed, disclosures) = raw.split_once('~').unwrap();
        let payload = Jws::parse(signed, signed.len()).unwrap().claims().unwrap();
        let mut holder = Holder::of(&card, disclosures, &decisions);
        let subject = payload["credentialSubject"].as_object().unwrap();
        let seen = holder.object(&card.claims, subject, &mut Vec::new());
        let shown: String = holder.shown.iter().flat_map(|text| [text, "~"]).collect();
        assert_eq!(read_selective(&format!("{signed}~{shown}")), Ok(seen));
    });
}

#[test]
fn whatever_is_changed_in_a_vc_sd_jwt_is_refused() {
    for_all(&(card_without(&["id"]), changes()), |(card, changes)| {
        let raw = selective(&card);
        for change in changes {
            let changed = changed(&raw, change);
            assert!(read_selective(&changed).is_err(), "{changed} for {raw}");
        }
    });
}

/// `ecdsa-sd-2023`: a holder shows some of the claims, whole, and a reader sees those alone.
#[test]
fn what_is_derived_is_seen_and_nothing_else() {
    let decisions = proptest::collection::vec(any::<bool>(), 1..8);
    for_all(&(linked(), decisions, changes()), |(claims, decisions, changes)| {
        let secured = Secured::LdpVc(Canonicalization::Selective);
        let base: Map<String, Value> =
            serde_json::from_str(&issued(secured, claims.clone())).unwrap();
        let shown = claims.keys().zip(decisions.iter().cycle()).filter(|(_, is_shown)| **is_shown);
        let shown: BTreeSet<String> = shown.map(|(name, _)| name.clone()).collect();
        let pointers = shown.iter().map(|name| format!("/credentialSubject/{name}"));
        let pointers: Vec<String> = pointers.collect();
        let derived = derive(&base, &pointers, &Contexts::default()).unwrap();
        let derived = Value::Object(derived).to_string();
        let mut seen = claims;
        seen.retain(|name, _| shown.contains(name));
        let is_named = !seen.is_empty();
        assert_eq!(read(secured, &derived), Ok(seen), "{derived}");
        // Where nothing is shown that the vocabulary names, it says nothing, and may be another one.
        for change in changes.into_iter().filter(|_| is_named) {
            let changed = changed(&derived, change);
            let verdict = read(secured, &changed);
            assert!(is_same(&changed, &derived) || verdict.is_err(), "{changed} for {derived}");
        }
    });
}

//! Whose an anchored certificate is.

use keys::algorithm::Algorithm;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};

use serde_json::json;

use super::document_signer::doubt;
use super::{Certificate, Doubt, is_for, named};

const ISSUER: &str = "https://issuer.example/a";
const OTHER: &str = "https://other.example/a";

fn certificate(uris: &[&str], dns_names: &[&str]) -> Certificate {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Certificate {
        public_key: SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().clone(),
        not_before: Timestamp(0),
        not_after: Timestamp(1),
        dns_names: owned(dns_names),
        uris: owned(uris),
        common_name: None,
        is_self_issued: false,
        country: Some("UT".to_owned()),
        is_for_documents: true,
        is_for_signatures: true,
    }
}

/// Catalogue I17.
#[test]
fn credential_and_certificate_may_name_the_issuer_and_nobody_else() {
    let host = "Issuer.example";
    for (iss, uris, dns_names, expected) in [
        (None, &[][..], &[][..], true), // the authority alone vouches
        (Some(ISSUER), &[], &[], true),
        (None, &[ISSUER], &[], true),
        (Some(ISSUER), &[ISSUER], &[], true),
        (Some(ISSUER), &[], &[host], true),
        (Some(ISSUER), &[OTHER, ISSUER], &["other.example"], true),
        (Some(OTHER), &[], &[], false),
        (Some(OTHER), &[ISSUER], &[host], false),
        (Some(ISSUER), &[OTHER], &["other.example"], false),
        (Some(ISSUER), &[], &["sub.issuer.example"], false),
        (Some(ISSUER), &["https://issuer.example/a/"], &[], false),
        (None, &[OTHER], &[], false),
        (Some("did:jwk:e30"), &[ISSUER], &[host], false),
    ] {
        let leaf = certificate(uris, dns_names);
        assert_eq!(is_for(&leaf, iss, ISSUER), expected, "{iss:?} {uris:?} {dns_names:?}");
    }
}

/// An issuer speaks a draft below its own identifier, and signs with its own name.
#[test]
fn an_identifier_of_a_draft_is_of_the_issuer_above_it() {
    let draft = format!("{ISSUER}/draft-13");
    for (issuer, iss, expected) in [
        (&*draft, Some(ISSUER), ISSUER),
        (&*draft, Some(&*draft), &*draft),
        (&*draft, None, &*draft),
        (&*draft, Some(OTHER), &*draft),
        (&*draft, Some("https://issuer.example"), &*draft),
        (&*draft, Some("did:web:issuer.example:a"), ISSUER),
        (&*draft, Some("did:web:other.example"), &*draft),
        ("https://issuer.example/a/draft-16", Some(ISSUER), "https://issuer.example/a/draft-16"),
        (
            "https://issuer.example/a/draft-13/b",
            Some(ISSUER),
            "https://issuer.example/a/draft-13/b",
        ),
        (ISSUER, Some("https://issuer.example"), ISSUER),
    ] {
        assert_eq!(named(issuer, iss), expected, "{issuer} {iss:?}");
    }
}

/// ISO 18013-5 §9.3.1: a document signer signs documents, and for its own country.
#[test]
fn an_mdoc_is_signed_by_a_document_signer_of_its_country() {
    let signer = certificate(&[], &[]);
    let nowhere = Certificate { country: None, ..signer.clone() };
    let other_use = Certificate { is_for_documents: false, ..signer.clone() };
    let from = |country: &str| json!({ "a": { "b": 1 }, "c": { "issuing_country": country } });
    for (certificate, claims, expected) in [
        (&signer, json!({ "a": { "b": 1 } }), None),
        (&signer, from("UT"), None),
        (&signer, from("DE"), Some(Doubt::OtherCountry)),
        (&nowhere, from("DE"), None), // it says of no country
        (&other_use, from("UT"), Some(Doubt::OtherPurpose)),
    ] {
        assert_eq!(doubt(certificate, claims.as_object().unwrap()), expected, "{claims}");
    }
}

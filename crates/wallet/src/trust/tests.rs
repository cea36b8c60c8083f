//! Whose an anchored certificate is.

use keys::algorithm::Algorithm;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};

use super::{Certificate, is_for};

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

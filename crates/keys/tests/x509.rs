//! Certificate chains, and the authority for development (catalogue E23, I26).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use keys::algorithm::Algorithm;
use keys::development::{DevelopmentCa, DevelopmentError};
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{
    Anchors, CHAIN_MAX, Certificate, X509Error, verify_chain, x5c_from_header, x5c_from_pem,
    x5c_to_json,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::{Map, Value, json};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

const NOW: Timestamp = Timestamp(1_800_000_000);
const DAY: u64 = 24 * 3600;
const ISSUER: &str = "https://issuer.example:8443/university";

fn ca() -> DevelopmentCa {
    DevelopmentCa::generate("Bestow development", NOW).unwrap()
}

fn anchors(ca: &DevelopmentCa) -> Anchors {
    Anchors::from_pem(ca.certificate_pem()).unwrap()
}

fn chain(ca: &DevelopmentCa, algorithm: Algorithm) -> (Vec<Vec<u8>>, SoftwareKey) {
    let key = SoftwareKey::generate(algorithm).unwrap();
    let pem = ca.signing_certificate(key.public_key(), "Uni", ISSUER, NOW).unwrap();
    (x5c_from_pem(&pem).unwrap(), key)
}

#[test]
fn a_signing_certificate_chains_to_its_authority() {
    let ca = ca();
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let (x5c, key) = chain(&ca, algorithm);
        let leaf = verify_chain(&x5c, &anchors(&ca), NOW).unwrap();
        assert_eq!(&leaf.public_key, key.public_key());
        assert_eq!(leaf.uris, [ISSUER]);
        assert_eq!(leaf.dns_names, ["issuer.example"]);
        assert_eq!(leaf.common_name.as_deref(), Some("Uni"));
        assert!(leaf.is_for_signatures && !leaf.is_self_issued);
        assert_eq!(leaf.not_after, NOW.plus(731 * DAY));
    }
}

#[test]
fn the_authority_survives_its_files() {
    let first = ca();
    let again = DevelopmentCa::from_pem(first.certificate_pem(), &first.key_pem()).unwrap();
    let (x5c, _) = chain(&again, Algorithm::Es256);
    assert!(verify_chain(&x5c, &anchors(&first), NOW).is_ok());
    let other = ca();
    let mixed = DevelopmentCa::from_pem(first.certificate_pem(), &other.key_pem());
    assert_eq!(mixed.unwrap_err(), DevelopmentError::OtherKey);
    let nonsense = DevelopmentCa::from_pem("", "");
    assert_eq!(nonsense.unwrap_err(), DevelopmentError::Unreadable);
    assert!(!format!("{first:?}").contains("KeyPair"));
}

#[test]
fn an_authority_that_is_not_trusted_is_told_from_a_broken_chain() {
    let (ca, stranger) = (ca(), ca());
    let (x5c, _) = chain(&stranger, Algorithm::Es256);
    let other_name = DevelopmentCa::generate("Somebody else", NOW).unwrap();
    let (other_x5c, _) = chain(&other_name, Algorithm::Es256);
    assert_eq!(verify_chain(&other_x5c, &anchors(&ca), NOW).unwrap_err(), X509Error::NoAnchor);
    // The same name and another key: its signatures do not hold.
    let error = verify_chain(&x5c, &anchors(&ca), NOW).unwrap_err();
    assert!(matches!(error, X509Error::BrokenChain | X509Error::NoAnchor), "{error:?}");
}

#[test]
fn certificates_are_good_in_their_time_only() {
    let ca = ca();
    let (x5c, _) = chain(&ca, Algorithm::Es256);
    let verify = |now| verify_chain(&x5c, &anchors(&ca), now).map(|_| ());
    assert_eq!(verify(NOW.minus(1800)), Ok(()), "clocks differ");
    assert_eq!(verify(NOW.minus(DAY)), Err(X509Error::NotYetValid));
    assert_eq!(verify(NOW.plus(731 * DAY)), Ok(()), "the last second");
    assert_eq!(verify(NOW.plus(731 * DAY + 1)), Err(X509Error::Expired));
}

/// HAIP §6.1.1: the anchor does not belong into `x5c`, and does no harm there.
#[test]
fn an_anchor_inside_the_chain_is_tolerated() {
    let ca = ca();
    let (mut x5c, _) = chain(&ca, Algorithm::Es256);
    x5c.extend(x5c_from_pem(ca.certificate_pem()).unwrap());
    assert!(verify_chain(&x5c, &anchors(&ca), NOW).is_ok());
    let stranger = DevelopmentCa::generate("Somebody else", NOW).unwrap();
    let verdict = verify_chain(&x5c, &anchors(&stranger), NOW);
    assert_eq!(verdict.unwrap_err(), X509Error::NoAnchor, "it is no anchor because it is there");
}

#[test]
fn a_self_signed_signer_is_refused_even_as_an_anchor() {
    let key = KeyPair::generate().unwrap();
    let pem = parameters("Self").self_signed(&key).unwrap().pem();
    let anchors = Anchors::from_pem(&pem).unwrap();
    let verdict = verify_chain(&x5c_from_pem(&pem).unwrap(), &anchors, NOW);
    assert_eq!(verdict.unwrap_err(), X509Error::SelfSigned);
}

/// RFC 5280 §6.1
#[test]
fn intermediates_are_followed_and_must_be_allowed_to_certify() {
    let root = authority("Root");
    for (may_certify, expected) in [(true, Ok(())), (false, Err(X509Error::BrokenChain))] {
        let middle = if may_certify { ca_parameters("Middle") } else { parameters("Middle") };
        let key = KeyPair::generate().unwrap();
        let middle = CertifiedIssuer::signed_by(middle, key, &root).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = parameters("Leaf").signed_by(&key, &middle).unwrap();
        let x5c = [leaf.der().to_vec(), middle.der().to_vec()];
        let anchors = Anchors::from_pem(&root.pem()).unwrap();
        assert_eq!(verify_chain(&x5c, &anchors, NOW).map(|_| ()), expected);
        let without = verify_chain(&x5c[..1], &anchors, NOW);
        assert_eq!(without.unwrap_err(), X509Error::NoAnchor);
    }
}

#[test]
fn a_signer_whose_key_is_not_for_signatures_is_refused() {
    let root = authority("Root");
    let mut parameters = parameters("Leaf");
    parameters.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let leaf = parameters.signed_by(&KeyPair::generate().unwrap(), &root).unwrap();
    let anchors = Anchors::from_pem(&root.pem()).unwrap();
    let verdict = verify_chain(&[leaf.der().to_vec()], &anchors, NOW);
    assert_eq!(verdict.unwrap_err(), X509Error::NotForSignatures);
}

#[test]
fn a_changed_certificate_is_refused() {
    let ca = ca();
    let (mut x5c, _) = chain(&ca, Algorithm::Es256);
    let last = x5c[0].len() - 1;
    x5c[0][last] ^= 1;
    let verdict = verify_chain(&x5c, &anchors(&ca), NOW);
    assert_eq!(verdict.unwrap_err(), X509Error::BrokenChain);
    for place in 0..last {
        let mut x5c = x5c.clone();
        x5c[0].truncate(place);
        assert_eq!(verify_chain(&x5c, &anchors(&ca), NOW).unwrap_err(), X509Error::Malformed);
    }
}

#[test]
fn length_is_bounded() {
    let ca = ca();
    let (x5c, _) = chain(&ca, Algorithm::Es256);
    let many = vec![x5c[0].clone(); CHAIN_MAX + 1];
    assert_eq!(verify_chain(&many, &anchors(&ca), NOW).unwrap_err(), X509Error::TooLong);
    let header = header(json!({ "x5c": vec!["AAAA"; CHAIN_MAX + 1] }));
    assert_eq!(x5c_from_header(&header), Err(X509Error::TooLong));
    assert_eq!(Certificate::from_der(&vec![0; 1 << 20]).unwrap_err(), X509Error::TooLong);
    assert_eq!(verify_chain(&[], &anchors(&ca), NOW).unwrap_err(), X509Error::Malformed);
}

fn header(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// RFC 7515 §4.1.6
#[test]
fn x5c_is_standard_base64() {
    let der = vec![vec![0xfb, 0xff], vec![1]];
    assert_eq!(x5c_to_json(&der), json!(["+/8=", "AQ=="]));
    let read = x5c_from_header(&header(json!({ "x5c": x5c_to_json(&der) })));
    assert_eq!(read, Ok(Some(der)));
    assert_eq!(x5c_from_header(&header(json!({}))), Ok(None));
    for x5c in [
        json!([]),
        json!("+/8="),
        json!([BASE64_URL_SAFE_NO_PAD.encode([0xfb, 0xff])]),
        json!([BASE64_STANDARD.encode("a"), 5]),
        json!(null),
    ] {
        let read = x5c_from_header(&header(json!({ "x5c": x5c })));
        assert_eq!(read, Err(X509Error::Malformed), "{x5c}");
    }
}

#[test]
fn a_tls_certificate_is_good_for_its_hosts() {
    let ca = ca();
    let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let (pem, key) = ca.tls_certificate(&hosts, NOW).unwrap();
    let leaf = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let root = CertificateDer::from_pem_slice(ca.certificate_pem().as_bytes()).unwrap();
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let time = UnixTime::since_unix_epoch(Duration::from_secs(NOW.0));
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    let certificate = EndEntityCert::try_from(&leaf).unwrap();
    let usage = KeyUsage::server_auth();
    certificate.verify_for_usage(algorithms, &anchors, &[], time, usage, None, None).unwrap();
    for host in &hosts {
        let name = ServerName::try_from(host.as_str()).unwrap();
        certificate.verify_is_valid_for_subject_name(&name).unwrap();
    }
    let key = SoftwareKey::from_pem(&key).unwrap();
    let read = Certificate::from_der(&leaf).unwrap();
    assert_eq!(&read.public_key, key.public_key());
    assert_eq!(read.not_after, NOW.plus(397 * DAY));
    let no_host = ca.tls_certificate(&[], NOW);
    assert_eq!(no_host.unwrap_err(), DevelopmentError::BadName);
}

#[test]
fn a_file_without_certificates_holds_no_anchors() {
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert_eq!(Anchors::from_pem(pem).unwrap_err(), X509Error::Malformed, "{pem}");
    }
}

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

fn ca_parameters(name: &str) -> CertificateParams {
    let mut parameters = parameters(name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(ca_parameters(name), KeyPair::generate().unwrap()).unwrap()
}

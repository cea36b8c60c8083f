//! The profiles of ISO/IEC 18013-5 Annex B.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use keys::algorithm::Algorithm;
use keys::certificate_request::certificate_request;
use keys::development::DevelopmentError;
use keys::document_signer::{Authority, DOCUMENT_SIGNER, Iaca};
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{Anchors, verify_chain, x5c_from_pem};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, oid::AssociatedOid};
use x509_cert::ext::pkix::{
    BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, IssuerAltName, KeyUsage,
    SubjectAltName, SubjectKeyIdentifier,
};

const NOW: Timestamp = Timestamp(1_764_000_000);
const ISSUER: &str = "https://issuer.example/mdl";
const AUTHORITY: Authority<'static> = Authority {
    country: "UT",
    name: "Utopia IACA",
    contact: "https://authority.example",
    crl: "https://authority.example/crl",
};

fn iaca() -> Iaca {
    Iaca::generate(AUTHORITY, 3650, NOW).unwrap()
}

fn parsed(pem: &str) -> Certificate {
    Certificate::from_der(&x5c_from_pem(pem).unwrap()[0]).unwrap()
}

fn extension<'c, T>(certificate: &'c Certificate) -> (bool, T)
where
    T: AssociatedOid + der::Decode<'c>,
{
    let found = certificate.tbs_certificate().get_extension::<T>();
    found.ok().flatten().unwrap_or_else(|| panic!("no {}", T::OID))
}

/// Its own key signs the request, as `bestow issuer keys rotate signing --csr` makes it.
fn request(key: &SoftwareKey) -> String {
    certificate_request(key, "Utopia Motor Vehicles", ISSUER).unwrap()
}

/// B.1.2
#[test]
fn a_root_has_the_profile_of_an_iaca() {
    let root = parsed(iaca().certificate_pem());
    let tbs = root.tbs_certificate();
    assert_eq!(tbs.subject().to_string(), "CN=Utopia IACA,C=UT");
    assert_eq!(tbs.subject(), tbs.issuer());
    let (is_critical, BasicConstraints { ca, path_len_constraint }) = extension(&root);
    assert!(is_critical && ca && path_len_constraint == Some(0));
    let (is_critical, usage) = extension::<KeyUsage>(&root);
    assert!(is_critical && usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    for is_critical in [
        extension::<IssuerAltName>(&root).0,
        extension::<SubjectKeyIdentifier>(&root).0,
        extension::<CrlDistributionPoints>(&root).0,
    ] {
        assert!(!is_critical);
    }
    let serial = tbs.serial_number().as_bytes();
    assert!((8..=20).contains(&serial.len()));
}

/// B.1.4
#[test]
fn a_document_signer_is_certified_to_its_profile() {
    let (iaca, key) = (iaca(), SoftwareKey::generate(Algorithm::Es256).unwrap());
    let pem = iaca.certify(&request(&key), 10_000, NOW).unwrap();
    let (root, signer) = (parsed(iaca.certificate_pem()), parsed(&pem));
    let (root_tbs, tbs) = (root.tbs_certificate(), signer.tbs_certificate());
    assert_eq!(tbs.issuer(), root_tbs.subject());
    assert_eq!(tbs.subject().to_string(), "CN=Utopia Motor Vehicles,C=UT");
    let (is_critical, usage) = extension::<KeyUsage>(&signer);
    assert!(is_critical && usage.digital_signature() && !usage.key_cert_sign());
    let (is_critical, ExtendedKeyUsage(purposes)) = extension(&signer);
    assert!(is_critical);
    assert_eq!(purposes, [DOCUMENT_SIGNER]);
    assert_eq!(extension::<IssuerAltName>(&signer), extension::<IssuerAltName>(&root));
    let lists = extension::<CrlDistributionPoints>(&signer);
    assert_eq!(lists, extension::<CrlDistributionPoints>(&root));
    let (_, authority) = extension::<x509_cert::ext::pkix::AuthorityKeyIdentifier>(&signer);
    let (_, SubjectKeyIdentifier(identifier)) = extension(&root);
    assert_eq!(authority.key_identifier, Some(identifier));
    extension::<SubjectKeyIdentifier>(&signer);
    extension::<SubjectAltName>(&signer);
    let constraints = tbs.get_extension::<BasicConstraints>().unwrap();
    assert!(constraints.is_none(), "the profile has no critical extension but two");
    let validity = tbs.validity();
    let end = validity.not_after.to_unix_duration().as_secs();
    let begin = validity.not_before.to_unix_duration().as_secs();
    assert!(end - begin <= 457 * 24 * 3600, "the longest life");
}

#[test]
fn what_it_certifies_ends_at_the_root_and_names_the_issuer() {
    let (iaca, key) = (iaca(), SoftwareKey::generate(Algorithm::Es256).unwrap());
    let chain = x5c_from_pem(&iaca.certify(&request(&key), 90, NOW).unwrap()).unwrap();
    let anchors = Anchors::from_pem(iaca.certificate_pem()).unwrap();
    let certificate = verify_chain(&chain, &anchors, NOW).unwrap();
    assert_eq!(certificate.public_key, *key.public_key());
    assert_eq!(certificate.uris, [ISSUER]);
    let other = Anchors::from_pem(self::iaca().certificate_pem()).unwrap();
    assert!(verify_chain(&chain, &other, NOW).is_err());
    let read = Iaca::from_pem(iaca.certificate_pem(), &iaca.key_pem()).unwrap();
    let chain = x5c_from_pem(&read.certify(&request(&key), 90, NOW).unwrap()).unwrap();
    assert!(verify_chain(&chain, &anchors, NOW).is_ok());
}

/// B.1.4: a verifier refuses what stands under a root that has ended (RFC 5280 §6.1).
#[test]
fn a_document_signer_ends_with_its_root_at_the_latest() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let iaca = Iaca::generate(AUTHORITY, 30, NOW).unwrap();
    let end = |pem: &str| parsed(pem).tbs_certificate().validity().not_after;
    let late = NOW.plus(29 * 24 * 3600);
    let signer = iaca.certify(&request(&key), 90, late).unwrap();
    assert_eq!(end(&signer), end(iaca.certificate_pem()));
    let after = NOW.plus(31 * 24 * 3600);
    let read = Iaca::from_pem(iaca.certificate_pem(), &iaca.key_pem()).unwrap();
    assert_eq!(read.certify(&request(&key), 90, after), Err(DevelopmentError::Ended));
}

#[test]
fn what_cannot_be_certified_is_refused() {
    let iaca = iaca();
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let changed = {
        let pem = request(&key);
        let mut der = keys_pem(&pem);
        let last = der.len() - 1;
        der[last] ^= 1;
        pem_of(&der)
    };
    for bad in ["", "junk", iaca.certificate_pem(), &changed] {
        assert_eq!(iaca.certify(bad, 90, NOW), Err(DevelopmentError::BadRequest));
    }
    let country = |country| Iaca::generate(Authority { country, ..AUTHORITY }, 90, NOW).err();
    for bad in ["ut", "UTO", "", "U1"] {
        assert_eq!(country(bad), Some(DevelopmentError::BadCountry), "{bad}");
    }
    let nobody = Authority { contact: "nobody", ..AUTHORITY };
    assert_eq!(Iaca::generate(nobody, 90, NOW).err(), Some(DevelopmentError::BadName));
}

fn keys_pem(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::prelude::BASE64_STANDARD.decode(text).unwrap()
}

fn pem_of(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n")
}

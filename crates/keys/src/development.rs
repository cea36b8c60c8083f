//! A certification authority for development and demonstrations.
//!
//! Its key lies in a file, and what it signs is right by our own word alone: nobody but the person
//! who made it should trust it.

use std::fmt;
use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::outside::{Random as _, SystemRandom, Timestamp};
use crate::public_key::PublicKey;
use crate::x509::Certificate;

const DAY_SECONDS: u64 = 24 * 3600;
/// Ten years.
const CA_DAYS: u64 = 3653;
/// The longest that browsers accept.
const TLS_DAYS: u64 = 397;
/// Two years.
const SIGNING_DAYS: u64 = 731;
/// Clocks differ: a certificate that was just made is good on a machine that is a little behind.
const BACKDATED_SECONDS: u64 = 3600;

/// The authority: its certificate and its key.
pub struct DevelopmentCa {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl DevelopmentCa {
    /// Makes an authority that may certify end entities, and no other authority.
    pub fn generate(name: &str, now: Timestamp) -> Result<Self, DevelopmentError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = authority(name);
        (parameters.not_before, parameters.not_after) = life(now, CA_DAYS);
        parameters.serial_number = Some(serial_number());
        let certificate_pem = parameters.self_signed(&key)?.pem();
        Ok(Self { certificate_pem, issuer: Issuer::new(parameters, key) })
    }

    /// Reads an authority that [`Self::generate`] made.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, DevelopmentError> {
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes());
        let der = der.map_err(|_| DevelopmentError::Unreadable)?;
        let certificate = Certificate::from_der(&der).map_err(|_| DevelopmentError::Unreadable)?;
        let key = KeyPair::from_pem(key_pem).map_err(|_| DevelopmentError::Unreadable)?;
        if key.public_key_raw() != certificate.public_key.raw() {
            return Err(DevelopmentError::OtherKey);
        }
        let name = certificate.common_name.ok_or(DevelopmentError::Unreadable)?;
        let issuer = Issuer::new(authority(&name), key);
        Ok(Self { certificate_pem: certificate_pem.to_owned(), issuer })
    }

    /// The certificate that has to be trusted.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// A new key and a certificate for a TLS server; hosts are names or addresses.
    pub fn tls_certificate(
        &self,
        hosts: &[String],
        now: Timestamp,
    ) -> Result<(String, Zeroizing<String>), DevelopmentError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let first = hosts.first().ok_or(DevelopmentError::BadName)?;
        let mut parameters = end_entity(first);
        (parameters.not_before, parameters.not_after) = life(now, TLS_DAYS);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.subject_alt_names =
            hosts.iter().map(|host| host_name(host)).collect::<Result<_, _>>()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), Zeroizing::new(key.serialize_pem())))
    }

    /// A certificate for the key that signs an issuer's credentials.
    ///
    /// It names the organisation and the Credential Issuer, both as URI and by its host.
    pub fn signing_certificate(
        &self,
        key: &PublicKey,
        organisation: &str,
        issuer_url: &str,
        now: Timestamp,
    ) -> Result<String, DevelopmentError> {
        let mut parameters = end_entity(organisation);
        parameters.distinguished_name.push(DnType::OrganizationName, organisation);
        (parameters.not_before, parameters.not_after) = life(now, SIGNING_DAYS);
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.subject_alt_names = names_of_issuer(issuer_url)?;
        Ok(parameters.signed_by(&Subject::new(key)?, &self.issuer)?.pem())
    }
}

impl fmt::Debug for DevelopmentCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevelopmentCa").finish_non_exhaustive()
    }
}

/// The same for an authority that is made and one that is read: names must be equal to the byte.
fn authority(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn end_entity(common_name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.use_authority_key_identifier_extension = true;
    parameters.serial_number = Some(serial_number());
    parameters
}

/// A Credential Issuer as URI, and by its host.
pub(crate) fn names_of_issuer(issuer_url: &str) -> Result<Vec<SanType>, DevelopmentError> {
    let url = Url::parse(issuer_url).map_err(|_| DevelopmentError::BadName)?;
    let host = match url.host().ok_or(DevelopmentError::BadName)? {
        Host::Domain(name) => host_name(name)?,
        Host::Ipv4(address) => SanType::IpAddress(address.into()),
        Host::Ipv6(address) => SanType::IpAddress(address.into()),
    };
    let uri = issuer_url.try_into().map_err(|_| DevelopmentError::BadName)?;
    Ok(vec![SanType::URI(uri), host])
}

pub(crate) fn life(now: Timestamp, days: u64) -> (OffsetDateTime, OffsetDateTime) {
    let end = now.plus(days * DAY_SECONDS);
    (now.minus(BACKDATED_SECONDS).date_time(), end.date_time())
}

/// Random and positive (RFC 5280 §4.1.2.2).
pub(crate) fn serial_number() -> SerialNumber {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    SerialNumber::from_slice(&[&[1], &bytes[..]].concat())
}

fn host_name(host: &str) -> Result<SanType, DevelopmentError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    host.try_into().map(SanType::DnsName).map_err(|_| DevelopmentError::BadName)
}

/// A key whose private half we do not have.
pub(crate) struct Subject<'k> {
    key: &'k PublicKey,
    algorithm: &'static SignatureAlgorithm,
}

impl<'k> Subject<'k> {
    /// Of keys that certificates are made for here.
    pub(crate) fn new(key: &'k PublicKey) -> Result<Self, DevelopmentError> {
        let algorithm = match key.algorithm() {
            Algorithm::Es256 => &PKCS_ECDSA_P256_SHA256,
            Algorithm::Es384 => &PKCS_ECDSA_P384_SHA384,
            Algorithm::Es512 => &PKCS_ECDSA_P521_SHA512,
            Algorithm::EdDsa => &PKCS_ED25519,
            Algorithm::Es256K | Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Bbs => {
                return Err(DevelopmentError::UnsupportedKey);
            }
        };
        Ok(Self { key, algorithm })
    }
}

impl PublicKeyData for Subject<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.key.raw()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// Why there is no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevelopmentError {
    /// The certificate or the key cannot be read.
    Unreadable,
    /// The key is not that of the certificate.
    OtherKey,
    /// A host or an address that no certificate can name.
    BadName,
    /// A key of a kind that gets no certificate here.
    UnsupportedKey,
    /// A country that is not two letters of ISO 3166-1.
    BadCountry,
    /// A certificate request that cannot be read, or that the owner of its key did not sign.
    BadRequest,
    /// A root whose life is over: no verifier takes what it certifies.
    Ended,
    /// The library did not make it.
    Generation,
}

impl From<rcgen::Error> for DevelopmentError {
    fn from(_: rcgen::Error) -> Self {
        Self::Generation
    }
}

impl fmt::Display for DevelopmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the development CA cannot be read: make a new one",
            Self::OtherKey => "the development CA's key does not belong to its certificate",
            Self::BadName => "a certificate cannot name this host: give a DNS name or an address",
            Self::UnsupportedKey => "a certificate is for a key of P-256, P-384, P-521 or Ed25519",
            Self::BadCountry => "a country is two capital letters, as in ISO 3166-1: DE",
            Self::BadRequest => {
                "this is no certificate request (PEM) that the owner of its key has signed"
            }
            Self::Ended => "the root has ended: make a new one, which verifiers then have to trust",
            Self::Generation => "the certificate could not be made",
        })
    }
}

impl std::error::Error for DevelopmentError {}

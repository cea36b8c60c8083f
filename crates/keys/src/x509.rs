//! Certificate chains as `x5c` carries them (RFC 7515 §4.1.6, RFC 5280 §6.1).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde_json::{Map, Value};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter,
    anchor_from_trusted_cert,
};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Any, Decode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::algorithm::Algorithm;
use crate::document_signer::DOCUMENT_SIGNER;
use crate::outside::Timestamp;
use crate::public_key::PublicKey;

/// Most certificates in `x5c`.
pub const CHAIN_MAX: usize = 8;
/// Longest certificate.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Most certificates in a file of anchors.
const ANCHORS_MAX: usize = 1000;

/// Authorities that the user trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchors(Vec<TrustAnchor<'static>>);

impl Anchors {
    /// Reads all certificates of a PEM file; there must be one at least.
    pub fn from_pem(pem: &str) -> Result<Self, X509Error> {
        let anchors = CertificateDer::pem_slice_iter(pem.as_bytes())
            .take(ANCHORS_MAX)
            .map(|certificate| {
                let certificate = certificate.map_err(|_| X509Error::Malformed)?;
                let anchor = anchor_from_trusted_cert(&certificate);
                anchor.map(|anchor| anchor.to_owned()).map_err(|_| X509Error::Malformed)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if anchors.is_empty() { Err(X509Error::Malformed) } else { Ok(Self(anchors)) }
    }
}

/// Verifies that a chain, the signer's certificate first, ends at one of the anchors.
///
/// HAIP §6.1.1 wants the anchor left out of `x5c`; an anchor inside is tolerated, since it proves
/// nothing that is not checked anyway. The signer's certificate must not be self-signed.
pub fn verify_chain(
    x5c: &[Vec<u8>],
    anchors: &Anchors,
    now: Timestamp,
) -> Result<Certificate, X509Error> {
    if x5c.len() > CHAIN_MAX {
        return Err(X509Error::TooLong);
    }
    let chain: Vec<_> = x5c.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let (leaf, others) = chain.split_first().ok_or(X509Error::Malformed)?;
    let certificate = Certificate::from_der(leaf)?;
    if certificate.is_self_issued {
        return Err(X509Error::SelfSigned);
    }
    if !certificate.is_for_signatures {
        return Err(X509Error::NotForSignatures);
    }
    let time = UnixTime::since_unix_epoch(Duration::from_secs(now.0));
    let algorithms = ALL_VERIFICATION_ALGS;
    EndEntityCert::try_from(leaf)
        .and_then(|leaf| {
            leaf.verify_for_usage(algorithms, &anchors.0, others, time, AnyUsage, None, None)
                .map(|_| ())
        })
        .map_err(|error| X509Error::of(&error))?;
    Ok(certificate)
}

/// Credential profiles define purposes of their own; which one is asked for is theirs to say.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, mut purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        purposes.try_for_each(|purpose| purpose.map(|_| ()))
    }
}

/// What we read from a certificate; by itself it proves nothing.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certified key.
    pub public_key: PublicKey,
    /// The first second of its life.
    pub not_before: Timestamp,
    /// The last second of its life.
    pub not_after: Timestamp,
    /// DNS names of the subject (RFC 5280 §4.2.1.6).
    pub dns_names: Vec<String>,
    /// URIs of the subject (RFC 5280 §4.2.1.6).
    pub uris: Vec<String>,
    /// The name for people.
    pub common_name: Option<String>,
    /// Issuer and subject are the same.
    pub is_self_issued: bool,
    /// The country of the subject.
    pub country: Option<String>,
    /// The key may sign messages (RFC 5280 §4.2.1.3).
    pub is_for_signatures: bool,
    /// The key may sign mdocs, as far as it is said at all what it may be used for.
    pub is_for_documents: bool,
}

impl Certificate {
    /// Reads one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(X509Error::TooLong);
        }
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| X509Error::Malformed)?;
        let tbs = parsed.tbs_certificate();
        let key_usage = tbs.get_extension::<KeyUsage>().map_err(|_| X509Error::Malformed)?;
        let names = tbs.get_extension::<SubjectAltName>().map_err(|_| X509Error::Malformed)?;
        let (dns_names, uris) = names.map(|(_, names)| split(names)).unwrap_or_default();
        let purposes = tbs.get_extension::<ExtendedKeyUsage>().map_err(|_| X509Error::Malformed)?;
        let country = tbs.subject().country().map_err(|_| X509Error::Malformed)?;
        let common_name = tbs.subject().common_name().map_err(|_| X509Error::Malformed)?;
        Ok(Self {
            public_key: public_key(tbs.subject_public_key_info())?,
            not_before: timestamp(tbs.validity().not_before),
            not_after: timestamp(tbs.validity().not_after),
            dns_names,
            uris,
            common_name: common_name.map(String::from),
            is_self_issued: tbs.issuer() == tbs.subject(),
            country: country.map(|country| country.to_string()),
            is_for_documents: purposes
                .is_none_or(|(_, purposes)| purposes.0.contains(&DOCUMENT_SIGNER)),
            is_for_signatures: key_usage.is_none_or(|(_, usage)| usage.digital_signature()),
        })
    }
}

fn split(SubjectAltName(names): SubjectAltName) -> (Vec<String>, Vec<String>) {
    let (mut dns_names, mut uris) = (Vec::new(), Vec::new());
    for name in names {
        if let GeneralName::DnsName(name) = &name {
            dns_names.push(name.to_string());
        }
        if let GeneralName::UniformResourceIdentifier(uri) = &name {
            uris.push(uri.to_string());
        }
    }
    (dns_names, uris)
}

fn timestamp(time: x509_cert::time::Time) -> Timestamp {
    Timestamp(time.to_unix_duration().as_secs())
}

pub(crate) fn public_key(info: &SubjectPublicKeyInfoOwned) -> Result<PublicKey, X509Error> {
    let algorithm = algorithm(&info.algorithm).ok_or(X509Error::UnsupportedKey)?;
    let raw = info.subject_public_key.as_bytes().ok_or(X509Error::Malformed)?;
    PublicKey::from_raw(algorithm, raw).map_err(|_| X509Error::Malformed)
}

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

fn algorithm(identifier: &AlgorithmIdentifierOwned) -> Option<Algorithm> {
    if identifier.oid == RSA {
        return Some(Algorithm::Rs256); // and the other one of RSA
    }
    let curve = identifier.parameters.as_ref().map(Any::decode_as::<ObjectIdentifier>);
    match (identifier.oid, curve) {
        (EC_PUBLIC_KEY, Some(Ok(curve))) if curve != ED25519 => algorithm_of_curve(curve),
        (ED25519, None) => Some(Algorithm::EdDsa),
        _ => None,
    }
}

/// What is signed with a key of a curve.
pub(crate) fn algorithm_of_curve(curve: ObjectIdentifier) -> Option<Algorithm> {
    match curve {
        P256 => Some(Algorithm::Es256),
        P384 => Some(Algorithm::Es384),
        P521 => Some(Algorithm::Es512),
        SECP256K1 => Some(Algorithm::Es256K),
        ED25519 => Some(Algorithm::EdDsa),
        _ => None,
    }
}

/// The certificates of a header, the signer's first; `None` when it has no `x5c`.
///
/// Unlike everything else in a JWS they are in standard base64 (RFC 7515 §4.1.6).
pub fn x5c_from_header(header: &Map<String, Value>) -> Result<Option<Vec<Vec<u8>>>, X509Error> {
    let Some(x5c) = header.get("x5c") else { return Ok(None) };
    let chain = x5c.as_array().filter(|chain| !chain.is_empty()).ok_or(X509Error::Malformed)?;
    if chain.len() > CHAIN_MAX {
        return Err(X509Error::TooLong);
    }
    let decode = |text: &Value| {
        let der = text.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        der.ok_or(X509Error::Malformed)
    };
    chain.iter().map(decode).collect::<Result<_, _>>().map(Some)
}

/// The value of `x5c`.
#[must_use]
pub fn x5c_to_json(x5c: &[Vec<u8>]) -> Value {
    x5c.iter().map(|der| BASE64_STANDARD.encode(der)).collect()
}

/// Reads a PEM file with a chain, the signer's certificate first.
pub fn x5c_from_pem(pem: &str) -> Result<Vec<Vec<u8>>, X509Error> {
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
        .take(CHAIN_MAX)
        .map(|certificate| certificate.map(|der| der.to_vec()).map_err(|_| X509Error::Malformed))
        .collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() { Err(X509Error::Malformed) } else { Ok(chain) }
}

/// Why a certificate or a chain is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum X509Error {
    /// Not a certificate, or no list of certificates.
    Malformed,
    /// More than [`CHAIN_MAX`] certificates, or one longer than [`CERTIFICATE_BYTES_MAX`].
    TooLong,
    /// A key of a kind that we do not know.
    UnsupportedKey,
    /// The signer vouches for itself.
    SelfSigned,
    /// The certified key is not meant for signatures.
    NotForSignatures,
    /// A certificate of the chain is not valid yet.
    NotYetValid,
    /// A certificate of the chain has expired.
    Expired,
    /// The chain ends at no authority that is trusted.
    NoAnchor,
    /// A certificate of the chain is not allowed to be where it is, or its signature is wrong.
    BrokenChain,
}

impl X509Error {
    /// The library knows many more causes than a person can do something about.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library adds causes at any time")]
    fn of(error: &webpki::Error) -> Self {
        match error {
            webpki::Error::CertNotValidYet { .. } => Self::NotYetValid,
            webpki::Error::CertExpired { .. } => Self::Expired,
            webpki::Error::UnknownIssuer => Self::NoAnchor,
            webpki::Error::BadDer | webpki::Error::BadDerTime => Self::Malformed,
            _ => Self::BrokenChain,
        }
    }
}

impl fmt::Display for X509Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is not a readable certificate",
            Self::TooLong => "a certificate is too long, or there are too many",
            Self::UnsupportedKey => {
                "the certificate's key must be of P-256, P-384, P-521, secp256k1, Ed25519 or RSA"
            }
            Self::SelfSigned => "the signer's certificate is self-signed: have it issued by a CA",
            Self::NotForSignatures => "the certificate's key is not meant for signatures",
            Self::NotYetValid => "a certificate is not valid yet: check the clock",
            Self::Expired => "a certificate has expired",
            Self::NoAnchor => "the certificate comes from an authority that is not trusted",
            Self::BrokenChain => "the chain of certificates does not hold",
        })
    }
}

impl std::error::Error for X509Error {}

//! What a certification authority certifies a key by (PKCS #10, RFC 2986).

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::Sequence;
use der::asn1::UintRef;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, KeyUsagePurpose, PublicKeyData,
    SignatureAlgorithm, SigningKey,
};
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::{DecodePem as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::request::{CertReq, ExtensionReq};

use crate::algorithm::Algorithm;
use crate::development::{DevelopmentError, Subject, names_of_issuer};
use crate::document_signer::as_it_is;
use crate::public_key::PublicKey;
use crate::signer::KeyAtHand;
use crate::x509;

/// Whoever asks signs for it, wherever the key is kept.
struct Owner<'k> {
    key: &'k dyn KeyAtHand,
    subject: Subject<'k>,
}

impl PublicKeyData for Owner<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.subject.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.subject.algorithm()
    }
}

impl SigningKey for Owner<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.key.sign_now(message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        if self.key.algorithm() == Algorithm::EdDsa {
            return Ok(signature);
        }
        der_signature(&signature).ok_or(rcgen::Error::RemoteKeyError)
    }
}

/// What JOSE writes as `r || s` is two numbers in certificates (RFC 3279 §2.2.3).
fn der_signature(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(signature.len() / 2)?;
    let number = |bytes| UintRef::new(bytes).ok();
    EcdsaSignature { r: number(r)?, s: number(s)? }.to_der().ok()
}

#[derive(Sequence)]
struct EcdsaSignature<'s> {
    r: UintRef<'s>,
    s: UintRef<'s>,
}

/// The request for the key that signs an issuer's credentials, as PEM. It asks for what the
/// development CA certifies: the organisation, and the Credential Issuer as URI and by its host.
pub fn certificate_request(
    key: &dyn KeyAtHand,
    organisation: &str,
    issuer_url: &str,
) -> Result<String, DevelopmentError> {
    let key = Owner { key, subject: Subject::new(key.public_key())? };
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, organisation);
    parameters.distinguished_name.push(DnType::OrganizationName, organisation);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.subject_alt_names = names_of_issuer(issuer_url)?;
    Ok(parameters.serialize_request(&key)?.pem()?)
}

/// What somebody asks to be certified.
pub(crate) struct CertificateRequest {
    /// Its owner has the private half: the request is signed with it.
    pub(crate) key: PublicKey,
    /// What people call the owner.
    pub(crate) name: String,
    /// Other names, as they were written.
    pub(crate) alternative_names: Option<CustomExtension>,
}

impl CertificateRequest {
    /// Reads a request and verifies its signature.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, DevelopmentError> {
        let bad = |_| DevelopmentError::BadRequest;
        let request = CertReq::from_pem(pem).map_err(bad)?;
        let key = x509::public_key(&request.info.public_key);
        let key = key.map_err(|_| DevelopmentError::BadRequest)?;
        let signed = request.info.to_der().map_err(bad)?;
        let signature = request.signature.as_bytes().ok_or(DevelopmentError::BadRequest)?;
        let verification = verification(key.algorithm()).ok_or(DevelopmentError::UnsupportedKey)?;
        UnparsedPublicKey::new(verification, key.raw())
            .verify(&signed, signature)
            .map_err(|_| DevelopmentError::BadRequest)?;
        let name = request.info.subject.common_name().map_err(bad)?;
        let name = String::from(name.ok_or(DevelopmentError::BadRequest)?);
        let wished = wished(&request);
        let alternative_names = wished.iter().find(|wish| wish.extn_id == SubjectAltName::OID);
        Ok(Self { key, name, alternative_names: alternative_names.map(as_it_is) })
    }
}

/// The extensions that the owner would like.
fn wished(request: &CertReq) -> Vec<Extension> {
    let attributes = request.info.attributes.iter();
    let wishes = attributes.filter(|attribute| attribute.oid == ExtensionReq::OID);
    let values = wishes.flat_map(|attribute| attribute.values.iter());
    values.filter_map(|value| value.decode_as::<Vec<Extension>>().ok()).flatten().collect()
}

/// Requests are signed as certificates are: in DER.
fn verification(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_ASN1,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_ASN1,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_ASN1,
        Algorithm::Es256K => &signature::ECDSA_P256K1_SHA256_ASN1,
        Algorithm::EdDsa => &signature::ED25519,
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Bbs => return None,
    })
}

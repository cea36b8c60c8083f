//! Who signs mdocs, certified as ISO/IEC 18013-5 Annex B wants it: an issuing authority's own root
//! (IACA), and document signers under it.

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName,
    DnType, DnValue, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use x509_cert::der::asn1::{Ia5String, OctetString};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{DecodePem as _, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, IssuerAltName, SubjectKeyIdentifier};
use zeroize::Zeroizing;

use crate::certificate_request::CertificateRequest;
use crate::development::{DevelopmentError, Subject, life, serial_number};
use crate::outside::Timestamp;
use crate::x509::Certificate;

/// Longest life of a root: twenty years (B.1.2).
pub const IACA_DAYS_MAX: u64 = 20 * 365;
/// Longest life of a document signer's certificate (B.1.4).
pub const SIGNER_DAYS_MAX: u64 = 457;
/// What a document signer's key is for, and for nothing else (B.1.4).
pub const DOCUMENT_SIGNER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.0.18013.5.1.2");

/// `issuerAltName` and `cRLDistributionPoints`.
const INHERITED: [ObjectIdentifier; 2] =
    [ObjectIdentifier::new_unwrap("2.5.29.18"), ObjectIdentifier::new_unwrap("2.5.29.31")];

/// What stands in every certificate of an authority.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// Two letters of ISO 3166-1, upper case.
    pub country: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// Where to ask about it: an address of e-mail, or a URI.
    pub contact: &'a str,
    /// Where the certificates are listed that it took back.
    pub crl: &'a str,
}

/// An issuing authority's root: its certificate, its key, and what it writes into others.
pub struct Iaca {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
    country: String,
    /// The last second of its life.
    not_after: Timestamp,
    /// Contact and list of revocations, as they are in the root.
    inherited: Vec<CustomExtension>,
}

impl Iaca {
    /// Makes a root that certifies document signers, and no other authority.
    pub fn generate(
        authority: Authority<'_>,
        days: u64,
        now: Timestamp,
    ) -> Result<Self, DevelopmentError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = root(authority.country, authority.name)?;
        let crl = CrlDistributionPoint { uris: vec![authority.crl.to_owned()] };
        parameters.crl_distribution_points = vec![crl];
        parameters.custom_extensions = vec![contact(authority.contact)?];
        (parameters.not_before, parameters.not_after) = life(now, days.min(IACA_DAYS_MAX));
        parameters.serial_number = Some(serial_number());
        let certificate_pem = parameters.self_signed(&key)?.pem();
        Self::from_pem(&certificate_pem, &Zeroizing::new(key.serialize_pem()))
    }

    /// Reads a root that [`Self::generate`] made.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, DevelopmentError> {
        let unreadable = |_| DevelopmentError::Unreadable;
        let parsed = x509_cert::Certificate::from_pem(certificate_pem).map_err(unreadable)?;
        let der = parsed.to_der().map_err(unreadable)?;
        let certificate = Certificate::from_der(&der).map_err(|_| DevelopmentError::Unreadable)?;
        let key = KeyPair::from_pem(key_pem).map_err(|_| DevelopmentError::Unreadable)?;
        if key.public_key_raw() != certificate.public_key.raw() {
            return Err(DevelopmentError::OtherKey);
        }
        let subject = parsed.tbs_certificate().subject();
        let country = subject.country().map_err(unreadable)?;
        let country = country.ok_or(DevelopmentError::Unreadable)?.to_string();
        let name = certificate.common_name.ok_or(DevelopmentError::Unreadable)?;
        Ok(Self {
            certificate_pem: certificate_pem.to_owned(),
            issuer: Issuer::new(root(&country, &name)?, key),
            country,
            not_after: certificate.not_after,
            inherited: inherited(&parsed),
        })
    }

    /// The certificate that verifiers of mdocs have to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// The certificate of a document signer (B.1.4), for the key of a request (PKCS #10) that its
    /// owner has signed. Its names are kept; the country is the authority's. It ends with the root
    /// at the latest.
    pub fn certify(
        &self,
        request_pem: &str,
        days: u64,
        now: Timestamp,
    ) -> Result<String, DevelopmentError> {
        if now > self.not_after {
            return Err(DevelopmentError::Ended);
        }
        let request = CertificateRequest::from_pem(request_pem)?;
        let key = Subject::new(&request.key)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = names(&self.country, &request.name)?;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        parameters.serial_number = Some(serial_number());
        // It begins a little before now, which counts.
        let (begin, end) = life(now, days.min(SIGNER_DAYS_MAX - 1));
        (parameters.not_before, parameters.not_after) =
            (begin, end.min(self.not_after.date_time()));
        let identifier = parameters.key_identifier(&key);
        parameters.custom_extensions.clone_from(&self.inherited);
        parameters.custom_extensions.extend([key_identifier(identifier)?, purpose()?]);
        parameters.custom_extensions.extend(request.alternative_names);
        Ok(parameters.signed_by(&key, &self.issuer)?.pem())
    }
}

impl std::fmt::Debug for Iaca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Iaca").field("country", &self.country).finish_non_exhaustive()
    }
}

/// The profile of a root (B.1.2): its names are equal to the byte when it is made and when it certifies.
fn root(country: &str, name: &str) -> Result<CertificateParams, DevelopmentError> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = names(country, name)?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

/// What a document signer has from its root (B.1.4).
fn inherited(root: &x509_cert::Certificate) -> Vec<CustomExtension> {
    let extensions = root.tbs_certificate().extensions().into_iter().flatten();
    let wanted = |extension: &&x509_cert::ext::Extension| INHERITED.contains(&extension.extn_id);
    extensions.filter(wanted).map(as_it_is).collect()
}

/// An extension of a certificate or a request, for another.
pub(crate) fn as_it_is(extension: &x509_cert::ext::Extension) -> CustomExtension {
    let oid: Vec<u64> = extension.extn_id.arcs().map(u64::from).collect();
    let mut copy =
        CustomExtension::from_oid_content(&oid, extension.extn_value.as_bytes().to_vec());
    copy.set_criticality(extension.critical);
    copy
}

fn names(country: &str, name: &str) -> Result<DistinguishedName, DevelopmentError> {
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_country {
        return Err(DevelopmentError::BadCountry);
    }
    let country = country.try_into().map_err(|_| DevelopmentError::BadCountry)?;
    let mut names = DistinguishedName::new();
    names.push(DnType::CountryName, DnValue::PrintableString(country));
    names.push(DnType::CommonName, name);
    Ok(names)
}

/// Where to ask about the authority: `issuerAltName`, which both profiles want.
fn contact(contact: &str) -> Result<CustomExtension, DevelopmentError> {
    let text = Ia5String::new(contact).map_err(|_| DevelopmentError::BadName)?;
    let name = if contact.contains(':') {
        GeneralName::UniformResourceIdentifier(text)
    } else if contact.contains('@') {
        GeneralName::Rfc822Name(text)
    } else {
        return Err(DevelopmentError::BadName);
    };
    extension(&[2, 5, 29, 18], &IssuerAltName(vec![name]))
}

fn key_identifier(identifier: Vec<u8>) -> Result<CustomExtension, DevelopmentError> {
    let octets = OctetString::new(identifier).map_err(|_| DevelopmentError::Generation)?;
    extension(&[2, 5, 29, 14], &SubjectKeyIdentifier(octets))
}

fn purpose() -> Result<CustomExtension, DevelopmentError> {
    let mut purpose = extension(&[2, 5, 29, 37], &ExtendedKeyUsage(vec![DOCUMENT_SIGNER]))?;
    purpose.set_criticality(true);
    Ok(purpose)
}

fn extension(oid: &[u64], value: &impl Encode) -> Result<CustomExtension, DevelopmentError> {
    let der = value.to_der().map_err(|_| DevelopmentError::Generation)?;
    Ok(CustomExtension::from_oid_content(oid, der))
}

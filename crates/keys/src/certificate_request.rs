//! What a certification authority certifies a key by (PKCS #10, RFC 2986).

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose};

use crate::development::{DevelopmentError, names_of_issuer};

/// The request for the key that signs an issuer's credentials, as PEM. It asks for what the
/// development CA certifies: the organisation, and the Credential Issuer as URI and by its host.
pub fn certificate_request(
    key_pem: &str,
    organisation: &str,
    issuer_url: &str,
) -> Result<String, DevelopmentError> {
    let key = KeyPair::from_pem(key_pem).map_err(|_| DevelopmentError::Unreadable)?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, organisation);
    parameters.distinguished_name.push(DnType::OrganizationName, organisation);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.subject_alt_names = names_of_issuer(issuer_url)?;
    Ok(parameters.serialize_request(&key)?.pem()?)
}

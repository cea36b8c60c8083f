//! The certificates of the listeners: read before anybody connects, so that mistakes show at once.

use std::path::Path;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::key_files::{check_mode, text};
use crate::config::{Config, ConfigError, Tls};

/// Bits of a file's mode that let others in; a group may read, as that of Debian's `ssl-cert`.
const OTHERS: u32 = 0o037;

/// Checks certificate and key of each listener that speaks TLS (R03).
pub fn check_tls(config: &Config) -> Result<(), ConfigError> {
    if config.server.tls == Tls::Files {
        check(&config.server.certificate, &config.server.private_key)?;
    }
    match (&config.admin.certificate, &config.admin.private_key) {
        (Some(certificate), Some(private_key)) => check(certificate, private_key),
        (None | Some(_), None | Some(_)) => Ok(()),
    }
}

fn check(certificate: &Path, private_key: &Path) -> Result<(), ConfigError> {
    check_mode(private_key, (OTHERS, 0o600))?;
    let pem = text(certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
        let remedy = "put the certificate of TLS there as PEM, and those above it";
        ConfigError::of_file(certificate, "holds no certificate", remedy)
    })?;
    let pem = Zeroizing::new(text(private_key)?);
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        let remedy = "put the key of the TLS certificate there as PEM";
        ConfigError::of_file(private_key, "holds no private key", remedy)
    })?;
    CertifiedKey::from_der(chain, key, &default_provider()).map(drop).map_err(|error| {
        let problem = format!("is not the key of {}: {error}", certificate.display());
        ConfigError::of_file(private_key, problem, "put both files there together")
    })
}

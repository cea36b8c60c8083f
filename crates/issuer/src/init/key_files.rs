//! The folder `keys`: reads back what `init` wrote there, or what took its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keys::algorithm::Algorithm;
use keys::digest::MacKey;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{self, Certificate};
use zeroize::Zeroizing;

use super::encryption_keys;
use crate::config::{Config, ConfigError, haip};
use crate::secret::AdminKey;
use crate::{IssuerKeys, SigningKey};

/// The key that signs credentials (PKCS #8).
pub(super) const SIGNING_KEY: &str = "signing-key.pem";
/// Its certificate and those above, without the anchor.
pub(super) const SIGNING_CERTIFICATE: &str = "signing-certificate.pem";
/// A MAC key for each purpose: what leaks or is replaced for one leaves the others alone.
pub(super) const MAC_KEYS: [&str; 4] = [OFFER, TX_CODE, NONCE, FORM];

const OFFER: &str = "offer.mac";
const TX_CODE: &str = "tx-code.mac";
const NONCE: &str = "nonce.mac";
const FORM: &str = "form.mac";

/// Longest key file.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Shortest key of the admin API: 32 random bytes have 43 characters.
const ADMIN_KEY_LENGTH_MIN: usize = 32;
/// Bits of a file's mode that let others in.
const OTHERS: u32 = 0o077;

/// Reads all keys of an issuer; a file that others may read is refused.
pub fn load_keys(config: &Config) -> Result<IssuerKeys, ConfigError> {
    let mac_key = |name: &str| mac_key(&config.keys.join(name));
    let signing = signing_key(&config.keys)?;
    haip::check_chain(config, &config.keys.join(SIGNING_CERTIFICATE), &signing.x5c)?;
    Ok(IssuerKeys {
        signing,
        offer: mac_key(OFFER)?,
        tx_code: mac_key(TX_CODE)?,
        nonce: mac_key(NONCE)?,
        form: mac_key(FORM)?,
        encryption: encryption_keys::load(config)?,
        admin: admin_key(&config.admin_key_file())?,
    })
}

fn signing_key(folder: &Path) -> Result<SigningKey, ConfigError> {
    let file = folder.join(SIGNING_KEY);
    let signer = SoftwareKey::from_pem(&secret(&file)?).ok();
    let signer =
        signer.filter(|signer| signer.algorithm() == Algorithm::Es256).ok_or_else(|| {
            let remedy = "put a P-256 key there, as PKCS #8 in PEM";
            ConfigError::of_file(&file, "is no key that signs ES256", remedy)
        })?;
    let file = folder.join(SIGNING_CERTIFICATE);
    let x5c = x509::x5c_from_pem(&text(&file)?).ok();
    let certified = |x5c: &Vec<Vec<u8>>| {
        let certificate = x5c.first().and_then(|der| Certificate::from_der(der).ok());
        certificate.is_some_and(|certificate| certificate.public_key == *signer.public_key())
    };
    let x5c = x5c.filter(certified).ok_or_else(|| {
        let problem = format!("does not begin with the certificate of {SIGNING_KEY}");
        ConfigError::of_file(&file, problem, "have that key certified, and put the PEM there")
    })?;
    let kid = signer.public_key().thumbprint().to_string();
    Ok(SigningKey { signer: Box::new(signer), x5c, kid })
}

fn mac_key(file: &Path) -> Result<MacKey, ConfigError> {
    let bytes = BASE64_STANDARD.decode(secret(file)?.trim()).map(Zeroizing::new).ok();
    let bytes = bytes.as_ref().and_then(|bytes| bytes.as_array::<32>());
    bytes.map(|bytes| MacKey::new(*bytes)).ok_or_else(|| {
        let remedy =
            "put the copy of this file back; a new one is made by: openssl rand -base64 32";
        ConfigError::of_file(file, "does not hold 32 bytes in base64", remedy)
    })
}

fn admin_key(file: &Path) -> Result<AdminKey, ConfigError> {
    let text = secret(file)?;
    let key = text.trim();
    if key.len() >= ADMIN_KEY_LENGTH_MIN && key.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(AdminKey::new(key));
    }
    let problem = format!("does not hold {ADMIN_KEY_LENGTH_MIN} printable characters or more");
    Err(ConfigError::of_file(file, problem, "make a new key: openssl rand -hex 32"))
}

/// Reads a file that nobody else may read.
pub(crate) fn secret(file: &Path) -> Result<Zeroizing<String>, ConfigError> {
    check_mode(file, (OTHERS, 0o600))?;
    text(file).map(Zeroizing::new)
}

/// Refuses a file whose mode has one of these bits, and says which mode it should have (R03).
pub(super) fn check_mode(file: &Path, (bits, wanted): (u32, u32)) -> Result<(), ConfigError> {
    let mode = fs::metadata(file).map_err(|error| unreadable(file, &error))?.permissions().mode();
    if mode & bits == 0 {
        return Ok(());
    }
    let remedy = format!("chmod {wanted:o} {}", file.display());
    let problem = format!("other users may get at this key (mode {:o})", mode & 0o777);
    Err(ConfigError::of_file(file, problem, remedy))
}

pub(super) fn text(file: &Path) -> Result<String, ConfigError> {
    let length = fs::metadata(file).map_err(|error| unreadable(file, &error))?.len();
    if length > FILE_BYTES_MAX {
        let problem = format!("is longer than {FILE_BYTES_MAX} bytes");
        return Err(ConfigError::of_file(file, problem, "is it the right file?"));
    }
    fs::read_to_string(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> ConfigError {
    let problem = format!("cannot be read: {error}");
    let remedy = "check the path in bestow.toml and the owner of the file, or put its copy back";
    ConfigError::of_file(file, problem, remedy)
}

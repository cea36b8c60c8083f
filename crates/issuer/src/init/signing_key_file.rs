//! The file of a signing key: the key itself, or the name of one in hardware.

use std::path::Path;

use keys::algorithm::Algorithm;
use keys::pkcs11::{Pkcs11Error, Pkcs11Key, Pkcs11Uri, SCHEME};
use keys::signer::{KeyAtHand, Signer as _, SoftwareKey};

use super::key_files::secret;
use crate::config::ConfigError;

/// Reads a private key (PKCS #8 in PEM), or finds the key that a `pkcs11:` URI names.
pub(crate) fn key_at_hand(file: &Path) -> Result<Box<dyn KeyAtHand>, ConfigError> {
    let text = secret(file)?;
    if text.trim_start().starts_with(SCHEME) {
        return in_hardware(file.parent().unwrap_or(Path::new("")), &text);
    }
    let remedy = "put a key of P-256, P-384, P-521 or Ed25519 there, as PKCS #8 in PEM, or a pkcs11: \
                  URI";
    // No authority that we know certifies secp256k1.
    let key = SoftwareKey::from_pem(&text).ok().filter(|key| key.algorithm() != Algorithm::Es256K);
    key.map(|key| Box::new(key) as Box<dyn KeyAtHand>)
        .ok_or_else(|| ConfigError::of_file(file, "is no key that signs credentials", remedy))
}

/// The PIN is in a file of its own, which is for nobody else's eyes either.
pub(crate) fn in_hardware(folder: &Path, uri: &str) -> Result<Box<dyn KeyAtHand>, ConfigError> {
    let uri = uri.trim();
    let refuse = |error: Pkcs11Error| {
        let remedy =
            "`bestow issuer keys --help` shows how such a key is named, and where its PIN is";
        ConfigError::of_file(Path::new(uri), error.to_string(), remedy)
    };
    let named = Pkcs11Uri::parse(uri).map_err(refuse)?;
    let file = folder.join(named.pin_source());
    if !file.exists() {
        let remedy = "write the token's PIN there, with mode 600, or correct pin-source";
        return Err(ConfigError::of_file(&file, "is no file with a PIN", remedy));
    }
    let pin = secret(&file)?;
    let key = Pkcs11Key::open(&named, pin.trim_end_matches(['\r', '\n'])).map_err(refuse)?;
    Ok(Box::new(key))
}

//! The file of a signing key: the key itself, or the name of one in hardware.

use std::path::Path;

use keys::algorithm::Algorithm;
use keys::pkcs11::{Pkcs11Error, Pkcs11Key, Pkcs11Uri, SCHEME};
use keys::signer::{KeyAtHand, SoftwareKey};

use super::key_files::secret;
use crate::config::ConfigError;

/// Reads a private key (PKCS #8 in PEM), or finds the key that a `pkcs11:` URI names.
pub(crate) fn key_at_hand(file: &Path) -> Result<Box<dyn KeyAtHand>, ConfigError> {
    let text = secret(file)?;
    if text.trim_start().starts_with(SCHEME) {
        return in_hardware(file, &text).map(|key| Box::new(key) as Box<dyn KeyAtHand>);
    }
    let remedy = "put a key of P-256, P-384, P-521 or Ed25519 there, as PKCS #8 in PEM, or a pkcs11: \
                  URI";
    // No authority that we know certifies secp256k1.
    let key = SoftwareKey::from_pem(&text).ok();
    let key = key.filter(|key| keys::signer::Signer::algorithm(key) != Algorithm::Es256K);
    key.map(|key| Box::new(key) as Box<dyn KeyAtHand>)
        .ok_or_else(|| ConfigError::of_file(file, "is no key that signs credentials", remedy))
}

/// The PIN is in a file of its own, which is for nobody else's eyes either.
fn in_hardware(file: &Path, uri: &str) -> Result<Pkcs11Key, ConfigError> {
    let refuse = |error: Pkcs11Error| {
        let remedy = "`bestow issuer keys rotate signing --pkcs11 URI` says how a key is named";
        ConfigError::of_file(file, error.to_string(), remedy)
    };
    let uri = Pkcs11Uri::parse(uri).map_err(refuse)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let pin = secret(&folder.join(uri.pin_source()))?;
    Pkcs11Key::open(&uri, pin.trim_end_matches(['\r', '\n'])).map_err(refuse)
}

//! The keys that wallets encrypt requests for, read back.

use std::path::Path;

use keys::jwe::{Curve, DecryptionKey, EncryptionKeyError, KeyManagement};
use keys::outside::Timestamp;
use oid4vci::encryption::Encryption;
use zeroize::Zeroizing;

use super::key_files::secret;
use crate::config::{Config, ConfigError};
use crate::generations::{Generations, KeyFile, KeyPurpose, KeyState};

/// The `alg` of all of them: what every wallet speaks.
const ALGORITHM: KeyManagement = KeyManagement::EcdhEs;
/// Most keys of one file: before there were generations, all of them lay in one.
const KEYS_MAX: usize = 16;

/// A new key, as the file holds it.
pub(crate) fn fresh() -> Result<Zeroizing<String>, EncryptionKeyError> {
    Ok(DecryptionKey::generate(Curve::P256, ALGORITHM)?.to_pem())
}

/// Whether requests may be encrypted, so that a key is needed.
pub(crate) fn is_needed(config: &Config) -> bool {
    let policy = config.encryption.policy();
    policy.is_some_and(|policy| policy.request() != Encryption::Off)
}

/// Reads the keys, the one that metadata name first; nothing where requests are never encrypted.
///
/// The others open requests, too: those of metadata that a wallet or another node still has, or has
/// already.
pub(super) fn load(
    config: &Config,
    generations: &Generations,
    now: Timestamp,
) -> Result<Vec<DecryptionKey>, ConfigError> {
    if !is_needed(config) {
        return Ok(Vec::new());
    }
    let mut keys = Vec::new();
    for (generation, state) in generations.alive(KeyPurpose::Encryption, now) {
        let of_file = read(&KeyFile::Encryption.path(&config.keys, generation.number))?;
        let at = if state == KeyState::Active { 0 } else { keys.len() };
        keys.splice(at..at, of_file);
    }
    Ok(keys)
}

fn read(file: &Path) -> Result<Vec<DecryptionKey>, ConfigError> {
    if !file.exists() {
        let remedy = "run `bestow issuer migrate`, which makes it, or copy it from another node of \
                      this issuer: all of them need the same";
        return Err(ConfigError::of_file(file, "is missing", remedy));
    }
    let keys = DecryptionKey::list_from_pem(&secret(file)?, ALGORITHM).map_err(|error| {
        let remedy = "put P-256 keys there, as PKCS #8 in PEM, the newest first";
        ConfigError::of_file(file, error.to_string(), remedy)
    })?;
    if keys.len() > KEYS_MAX {
        let problem = format!("holds more than {KEYS_MAX} keys");
        return Err(ConfigError::of_file(file, problem, "remove the last ones, the oldest"));
    }
    Ok(keys)
}

//! The folder `keys`: reads back what `init` and `bestow issuer keys` wrote there, or what took its
//! place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keys::digest::MacKey;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::x509::{self, Certificate};
use zeroize::Zeroizing;

use super::signing_key_file::key_at_hand;
use super::{bbs_keys, encryption_keys};
use crate::config::{Config, ConfigError, haip};
use crate::generations::{Generations, KeyFile, KeyPurpose, KeyState};
use crate::secret::AdminKey;
use crate::{IssuerKeys, PublishedKey, SigningKey};

/// A MAC key for each purpose: what leaks or is replaced for one leaves the others alone.
pub(super) const MAC_KEYS: [KeyFile; 4] =
    [KeyFile::Offer, KeyFile::TxCode, KeyFile::Nonce, KeyFile::Form];

/// Longest key file.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Shortest key of the admin API: 32 random bytes have 43 characters.
const ADMIN_KEY_LENGTH_MIN: usize = 32;
/// Bits of a file's mode that let others in.
const OTHERS: u32 = 0o077;

/// Reads all keys of an issuer that are in use, were, or will be; a file that others may read is
/// refused.
pub fn load_keys(config: &Config, now: Timestamp) -> Result<IssuerKeys, ConfigError> {
    let generations = Generations::load(&config.keys)?;
    let folder = Folder { config, path: &config.keys, generations: &generations, now };
    let (signing, published) = folder.signing_keys()?;
    Ok(IssuerKeys {
        signing,
        published,
        bbs: bbs_keys::load(&config.keys, &generations, now)?,
        offer: folder.mac_key(KeyPurpose::Offer, KeyFile::Offer)?,
        tx_code: folder.mac_key(KeyPurpose::TxCode, KeyFile::TxCode)?,
        nonce: folder.mac_key(KeyPurpose::Nonce, KeyFile::Nonce)?,
        form: folder.mac_key(KeyPurpose::Form, KeyFile::Form)?,
        encryption: encryption_keys::load(config, &generations, now)?,
        admin: admin_key(&config.admin_key_file())?,
        change_at: generations.change_at(now),
        generations,
    })
}

/// A folder of keys, seen at one time.
struct Folder<'f> {
    config: &'f Config,
    path: &'f Path,
    generations: &'f Generations,
    now: Timestamp,
}

impl Folder<'_> {
    /// The key that signs, and all that verifiers find: that one first.
    fn signing_keys(&self) -> Result<(SigningKey, Vec<PublishedKey>), ConfigError> {
        let mut published = Vec::new();
        let mut signing = None;
        for (generation, state) in self.generations.alive(KeyPurpose::Signing, self.now) {
            if state == KeyState::Retired {
                published.push(PublishedKey::of(certified_key(self.path, generation.number)?));
                continue;
            }
            let key = signing_key(self.path, generation.number)?;
            let file = KeyFile::SigningCertificate.path(self.path, generation.number);
            haip::check_chain(self.config, &file, &key.x5c)?;
            let public_key = PublishedKey::of(key.signer.public_key().clone());
            if state == KeyState::Active {
                published.insert(0, public_key);
                signing = Some(key);
            } else {
                published.push(public_key);
            }
        }
        Ok((signing.ok_or_else(|| no_key(self.path, KeyPurpose::Signing))?, published))
    }

    fn mac_key(&self, purpose: KeyPurpose, file: KeyFile) -> Result<MacKey, ConfigError> {
        let read = |number| mac_key(&file.path(self.path, number));
        let alive = self
            .generations
            .alive(purpose, self.now)
            .map(|(generation, _)| Ok((generation.active_from, read(generation.number)?)));
        let key = MacKey::of_generations(alive.collect::<Result<_, _>>()?, self.now);
        key.ok_or_else(|| no_key(self.path, purpose))
    }
}

fn no_key(folder: &Path, purpose: KeyPurpose) -> ConfigError {
    let problem = format!("has no key of {purpose}");
    ConfigError::of_file(folder, problem, "put the copy of this folder back")
}

/// The public half of a signing key, by its certificate: the private one may be gone.
pub(crate) fn certified_key(folder: &Path, number: u32) -> Result<PublicKey, ConfigError> {
    signing_certificate(folder, number).map(|certificate| certificate.public_key)
}

/// The certificate of a signing key, without the key.
pub(crate) fn signing_certificate(folder: &Path, number: u32) -> Result<Certificate, ConfigError> {
    let file = KeyFile::SigningCertificate.path(folder, number);
    let x5c = x509::x5c_from_pem(&text(&file)?).unwrap_or_default();
    let certificate = x5c.first().and_then(|der| Certificate::from_der(der).ok());
    certificate.ok_or_else(|| {
        ConfigError::of_file(&file, "holds no certificate", "put the copy of this file back")
    })
}

/// Reads a key that signs credentials.
pub(crate) fn signing_key(folder: &Path, number: u32) -> Result<SigningKey, ConfigError> {
    let file = KeyFile::Signing.path(folder, number);
    let signer = key_at_hand(&file)?;
    let file = KeyFile::SigningCertificate.path(folder, number);
    let x5c = x509::x5c_from_pem(&text(&file)?).ok();
    let certified = |x5c: Vec<Vec<u8>>| {
        let certificate = Certificate::from_der(x5c.first()?).ok()?;
        (certificate.public_key == *signer.public_key()).then_some((x5c, certificate))
    };
    let (x5c, certificate) = x5c.and_then(certified).ok_or_else(|| {
        let key_file = KeyFile::Signing.name(number);
        let problem = format!("does not begin with the certificate of {key_file}");
        ConfigError::of_file(&file, problem, "have that key certified, and put the PEM there")
    })?;
    Ok(SigningKey::new(signer, x5c, certificate))
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

pub(crate) fn text(file: &Path) -> Result<String, ConfigError> {
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

//! A new key takes the place of another, at a time that everybody knows before.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keys::algorithm::Algorithm;
use keys::certificate_request::certificate_request;
use keys::development::DevelopmentCa;
use keys::digest::MacKey;
use keys::outside::{Random, Timestamp};
use keys::signer::{KeyAtHand, SoftwareKey};
use keys::x509::Certificate;
use zeroize::Zeroizing;

use super::error::KeysError;
use super::files::{KeyFile, replace};
use super::manifest::{Custody, unwritable};
use super::{Generation, KeyPurpose, Start, Step};
use crate::config::{Config, ConfigError, haip};
use crate::init::{
    certified_key, fresh_bbs_key, fresh_encryption_key, in_hardware, key_at_hand, secret,
    signing_key, text,
};
use crate::issue::check_algorithm;

/// The development CA that `bestow issuer init` makes.
const AUTHORITY_KEY: &str = "development-ca-key.pem";

/// How keys are to be replaced.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'r> {
    /// Where the folder is, and who the issuer is.
    pub config: &'r Config,
    /// The present second.
    pub now: Timestamp,
    /// Draws MAC keys.
    pub random: &'r dyn Random,
    /// When the new key is to be in use.
    pub start: Start,
    /// PEM of the certificate for the signing key that was requested, and those above it; without
    /// it the development CA makes one.
    pub certificate: Option<&'r str>,
    /// Which signing key is made.
    pub wish: &'r SigningKeyWish,
}

/// Which signing key comes next.
#[derive(Clone, Debug, Default)]
pub enum SigningKeyWish {
    /// One of the kind that is in use.
    #[default]
    Same,
    /// One for this algorithm, in a file.
    Of(Algorithm),
    /// The one in hardware that this `pkcs11:` URI names.
    Hardware(String),
}

/// What a rotation came to.
#[derive(Clone, Copy, Debug)]
pub struct Rotated {
    /// What the key is for.
    pub purpose: KeyPurpose,
    /// The new one.
    pub generation: Generation,
    /// It was there already, and begins sooner now.
    pub is_hastened: bool,
}

/// Makes the next key of a purpose, or lets the next one begin at once.
///
/// Its files are on disk before the manifest names them.
pub fn rotate(purpose: KeyPurpose, rotation: &Rotation<'_>) -> Result<Rotated, KeysError> {
    let mut custody = Custody::take(&rotation.config.keys)?;
    let step = custody.generations.decide_rotation(purpose, rotation.start, rotation.now);
    let (generation, is_hastened) =
        match step.map_err(|refusal| KeysError::Refused(purpose, refusal))? {
            Step::Make(generation) => {
                make(purpose, generation, rotation)?;
                (generation, false)
            }
            Step::Hasten(generation) => {
                check_next(purpose, generation, rotation)?;
                (generation, true)
            }
        };
    custody.note(purpose, generation)?;
    Ok(Rotated { purpose, generation, is_hastened })
}

fn make(
    purpose: KeyPurpose,
    generation: Generation,
    rotation: &Rotation<'_>,
) -> Result<(), KeysError> {
    match purpose {
        KeyPurpose::Signing => make_signing_key(generation, rotation),
        KeyPurpose::Encryption => {
            let key = fresh_encryption_key()?;
            Ok(write(KeyFile::Encryption, generation.number, &key, rotation.config)?)
        }
        KeyPurpose::Bbs => make_bbs_key(generation.number, rotation.config, rotation.random),
        KeyPurpose::Offer | KeyPurpose::TxCode | KeyPurpose::Nonce | KeyPurpose::Form => {
            let key = MacKey::fresh(rotation.random);
            let text = Zeroizing::new(BASE64_STANDARD.encode(key.expose()) + "\n");
            for file in KeyFile::of(purpose) {
                write(*file, generation.number, &text, rotation.config)?;
            }
            Ok(())
        }
    }
}

/// The public half first: a private key without it is none that can be used.
pub(super) fn make_bbs_key(
    number: u32,
    config: &Config,
    random: &dyn Random,
) -> Result<(), KeysError> {
    let (public, private) = fresh_bbs_key(random)?;
    write(KeyFile::BbsPublic, number, &public, config)?;
    Ok(write(KeyFile::Bbs, number, &private, config)?)
}

/// A certificate of the operator's is for the key that was requested; the development CA certifies
/// that one, too, when there is one.
fn make_signing_key(generation: Generation, rotation: &Rotation<'_>) -> Result<(), KeysError> {
    let (config, number) = (rotation.config, generation.number);
    let certificate = if let Some(given) = rotation.certificate {
        check_certificate(given, generation, rotation)?;
        given.to_owned()
    } else {
        let authority = authority(config)?.ok_or(KeysError::NoAuthority)?;
        let key = requested_key(number, config, rotation.wish)?;
        let (name, url) = (&config.name, config.url.as_str());
        authority.signing_certificate(key.public_key(), name, url, rotation.now)?
    };
    write(KeyFile::SigningCertificate, number, &certificate, config)?;
    signing_key(&config.keys, number)?; // as `serve` will read it
    Ok(())
}

fn check_certificate(
    pem: &str,
    generation: Generation,
    rotation: &Rotation<'_>,
) -> Result<(), KeysError> {
    let config = rotation.config;
    if !KeyFile::Signing.path(&config.keys, generation.number).exists() {
        return Err(KeysError::WrongCertificate("was not requested here"));
    }
    let key = requested_key(generation.number, config, rotation.wish)?;
    let x5c = keys::x509::x5c_from_pem(pem).unwrap_or_default();
    let certificate = x5c.first().and_then(|der| Certificate::from_der(der).ok());
    let certificate = certificate.ok_or(KeysError::WrongCertificate("cannot be read"))?;
    if certificate.public_key != *key.public_key() {
        return Err(KeysError::WrongCertificate("is not that of the key that was requested"));
    }
    if let Some((problem, remedy)) = haip::chain_fault(config, &x5c) {
        return Err(KeysError::WrongChain(problem, remedy));
    }
    check_life(&certificate, generation)
}

fn check_life(certificate: &Certificate, generation: Generation) -> Result<(), KeysError> {
    let life = certificate.not_before..=certificate.not_after;
    if life.contains(&generation.active_from) {
        return Ok(());
    }
    Err(KeysError::WrongCertificate("is not valid when the key comes into use"))
}

/// The next key has its certificate already; it must be good at the earlier time, too.
fn check_next(
    purpose: KeyPurpose,
    next: Generation,
    rotation: &Rotation<'_>,
) -> Result<(), KeysError> {
    if rotation.certificate.is_some() {
        return Err(KeysError::HasCertificate(next));
    }
    if purpose != KeyPurpose::Signing {
        return Ok(());
    }
    requested_key(next.number, rotation.config, rotation.wish)?; // and no other
    let key = signing_key(&rotation.config.keys, next.number)?;
    check_life(&key.certificate, next)
}

/// Writes the next signing key, and gives what a certification authority certifies it by; asked
/// again, it is the same key.
pub fn request_certificate(config: &Config, wish: &SigningKeyWish) -> Result<String, KeysError> {
    let custody = Custody::take(&config.keys)?;
    let last = custody.generations.of(KeyPurpose::Signing).last();
    let number = last.map_or(1, |last| last.number + 1);
    let key = requested_key(number, config, wish)?;
    Ok(certificate_request(&*key, &config.name, config.url.as_str())?)
}

/// The key that was requested before, or one that is made now; another one than is wished for is
/// not taken silently.
fn requested_key(
    number: u32,
    config: &Config,
    wish: &SigningKeyWish,
) -> Result<Box<dyn KeyAtHand>, KeysError> {
    let file = KeyFile::Signing.path(&config.keys, number);
    if !file.exists() {
        return new_key(number, config, wish);
    }
    // Before it is opened: what it names may be gone, and is not what is wished for.
    if let SigningKeyWish::Hardware(uri) = wish
        && secret(&file)?.trim() != uri.trim()
    {
        return Err(KeysError::OtherKey(file));
    }
    let key = key_at_hand(&file)?;
    check_can_sign(config, key.algorithm())?;
    match wish {
        SigningKeyWish::Of(algorithm) if key.algorithm() != *algorithm => {
            Err(KeysError::OtherKey(file))
        }
        SigningKeyWish::Of(_) | SigningKeyWish::Same | SigningKeyWish::Hardware(_) => Ok(key),
    }
}

/// Nothing is written down of a key that cannot be used.
fn new_key(
    number: u32,
    config: &Config,
    wish: &SigningKeyWish,
) -> Result<Box<dyn KeyAtHand>, KeysError> {
    let (key, text): (Box<dyn KeyAtHand>, _) = if let SigningKeyWish::Hardware(uri) = wish {
        (in_hardware(&config.keys, uri)?, Zeroizing::new(format!("{}\n", uri.trim())))
    } else {
        let algorithm = match wish {
            SigningKeyWish::Of(algorithm) => *algorithm,
            SigningKeyWish::Same | SigningKeyWish::Hardware(_) => algorithm_in_use(config, number),
        };
        let key = SoftwareKey::generate(algorithm)?;
        let pem = key.to_pem();
        (Box::new(key), pem)
    };
    check_can_sign(config, key.algorithm())?;
    write(KeyFile::Signing, number, &text, config)?;
    Ok(key)
}

/// Every type is signed with the one key: an issuer with a key that cannot would not start. Types that
/// cannot be read are no reason to keep a key that may have to go.
fn check_can_sign(config: &Config, algorithm: Algorithm) -> Result<(), KeysError> {
    let Ok(types) = config.credential_types() else { return Ok(()) };
    Ok(check_algorithm(config, algorithm, &types)?)
}

/// That of the certificate before; a first key is for what every verifier knows.
fn algorithm_in_use(config: &Config, number: u32) -> Algorithm {
    let before = number.checked_sub(1).map(|number| certified_key(&config.keys, number));
    let algorithm = before.and_then(Result::ok).map(|key| key.algorithm());
    algorithm.filter(|algorithm| !algorithm.is_rsa()).unwrap_or(Algorithm::Es256)
}

fn authority(config: &Config) -> Result<Option<DevelopmentCa>, KeysError> {
    let key = config.keys.join(AUTHORITY_KEY);
    if !key.exists() {
        return Ok(None);
    }
    let certificate = text(&authority_certificate(&config.keys))?;
    Ok(Some(DevelopmentCa::from_pem(&certificate, &secret(&key)?)?))
}

/// Where `bestow issuer init` puts it.
fn authority_certificate(keys: &Path) -> PathBuf {
    keys.parent().unwrap_or(Path::new("")).join("tls/ca.pem")
}

fn write(file: KeyFile, number: u32, text: &str, config: &Config) -> Result<(), ConfigError> {
    let path = file.path(&config.keys, number);
    replace(&path, text.as_bytes()).map_err(|error| unwritable(&path, &error))
}

//! `bestow issuer init`: makes the folder of a new issuer, ready to serve.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use keys::algorithm::Algorithm;
use keys::development::{DevelopmentCa, DevelopmentError};
use keys::digest::MacKey;
use keys::jwe::EncryptionKeyError;
use keys::outside::{Clock, Random, Timestamp};
use keys::signer::{SignError, Signer as _, SoftwareKey};
use zeroize::Zeroizing;

use crate::config::{Config, ConfigError, IssuerUrl, NAME_LENGTH_MAX, example, is_name};
use crate::generations::KeyFile;
use crate::store::StoreError;
use crate::store::sqlite::migrate;
use staging::{Access, Staging};

pub(crate) use bbs_keys::fresh as fresh_bbs_key;
pub(crate) use encryption_keys::{
    fresh as fresh_encryption_key, is_needed as needs_encryption_key,
};
pub use key_files::load_keys;
pub(crate) use key_files::{certified_key, secret, signing_certificate, signing_key, text};
pub(crate) use signing_key_file::{in_hardware, key_at_hand};
pub use tls_files::check_tls;

mod bbs_keys;
mod encryption_keys;
mod key_files;
mod signing_key_file;
mod staging;
mod tls_files;

/// Explains every key of a credential type.
pub(crate) const STUDENT_CARD: &str = include_str!("credentials/student_card.toml");
/// The credential types that a new issuer begins with.
pub(crate) const CREDENTIALS: [(&str, &str); 3] = [
    ("credentials/student_card.toml", STUDENT_CARD),
    ("credentials/diploma.toml", include_str!("credentials/diploma.toml")),
    ("credentials/course_ticket.toml", include_str!("credentials/course_ticket.toml")),
];
/// Stands in a template where the issuer's name goes.
pub(crate) const NAME: &str = "@NAME@";

/// The issuer to make.
#[derive(Clone, Copy, Debug)]
pub struct NewIssuer<'n> {
    /// The Credential Issuer Identifier.
    pub url: &'n IssuerUrl,
    /// What people call it.
    pub name: &'n str,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a new issuer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An officer approves and passes on transaction codes.
    Service,
    /// Everything is approved at once, and the screen shows transaction codes.
    Demonstration,
}

/// What was made; printed, it says what to do next.
#[derive(Clone, Debug)]
pub struct Report {
    /// `bestow.toml`
    pub config: PathBuf,
    /// The development CA's certificate: what wallets have to trust, for TLS and for credentials.
    pub ca_certificate: PathBuf,
    url: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (config, ca) = (self.config.display(), self.ca_certificate.display());
        write!(
            f,
            "An issuer for {} is ready.\n\n\
             Settings, each explained:  {config}\n\
             What can be issued:        credentials/*.toml beside it\n\
             Certificates come from a development CA that only you know: {ca}\n\n\
             Next:\n  \
             bestow issuer serve --config {config}\n  \
             bestow issuer offer student_card --sample --config {config}\n  \
             bestow wallet receive OFFER --ca {ca} --trust-anchor {ca}\n",
            self.url
        )
    }
}

/// Makes an issuer in `folder`, which must be empty or not exist; on failure nothing is left of it.
pub fn init(
    folder: &Path,
    issuer: &NewIssuer<'_>,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Report, InitError> {
    check(folder, issuer)?;
    let staging = Staging::begin(folder)?;
    write_secrets(&staging, random)?;
    write_certificates(&staging, issuer, clock.now())?;
    write_settings(&staging, issuer)?;
    make_database(&staging, clock.now())?;
    staging.finish()?;
    Ok(Report {
        config: folder.join("bestow.toml"),
        ca_certificate: folder.join("tls/ca.pem"),
        url: issuer.url.as_str().to_owned(),
    })
}

fn check(folder: &Path, issuer: &NewIssuer<'_>) -> Result<(), InitError> {
    if folder.to_str().is_none_or(str::is_empty) {
        Err(InitError::BadFolder(folder.to_owned()))
    } else if issuer.url.is_plain_http() {
        Err(InitError::PlainHttp)
    } else if issuer.url.listen().port() == u16::MAX {
        Err(InitError::NoAdminPort)
    } else if is_name(issuer.name) {
        Ok(())
    } else {
        Err(InitError::BadName)
    }
}

fn write_secrets(staging: &Staging, random: &dyn Random) -> Result<(), InitError> {
    for file in key_files::MAC_KEYS {
        let key = MacKey::fresh(random);
        let text = Zeroizing::new(BASE64_STANDARD.encode(key.expose()) + "\n");
        staging.write(&in_keys(file), &text, Access::Secret)?;
    }
    let encryption = encryption_keys::fresh()?;
    staging.write(&in_keys(KeyFile::Encryption), &encryption, Access::Secret)?;
    let mut admin = Zeroizing::new([0; 32]);
    random.fill(&mut *admin);
    let text = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*admin) + "\n");
    staging.write("keys/admin.key", &text, Access::Secret)
}

/// The key that signs credentials is neither the one of TLS nor certified by itself.
fn write_certificates(
    staging: &Staging,
    issuer: &NewIssuer<'_>,
    now: Timestamp,
) -> Result<(), InitError> {
    let NewIssuer { url, name, .. } = issuer;
    let ca = DevelopmentCa::generate(&format!("{name} Development CA"), now)?;
    staging.write("keys/development-ca-key.pem", &ca.key_pem(), Access::Secret)?;
    staging.write("tls/ca.pem", ca.certificate_pem(), Access::Public)?;

    let signer = SoftwareKey::generate(Algorithm::Es256)?;
    let certificate = ca.signing_certificate(signer.public_key(), name, url.as_str(), now)?;
    staging.write(&in_keys(KeyFile::Signing), &signer.to_pem(), Access::Secret)?;
    staging.write(&in_keys(KeyFile::SigningCertificate), &certificate, Access::Secret)?;

    let (certificate, key) = ca.tls_certificate(&hosts(url), now)?;
    staging.write("tls/cert.pem", &certificate, Access::Public)?;
    staging.write("tls/key.pem", &key, Access::Secret)
}

/// What a new issuer has are first generations.
fn in_keys(file: KeyFile) -> String {
    format!("keys/{}", file.name(1))
}

/// An issuer on this machine may be called by any of the machine's own names.
fn hosts(url: &IssuerUrl) -> Vec<String> {
    let mut hosts = vec![url.host()];
    if url.is_loopback() {
        let others = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        hosts.extend(others.into_iter().filter(|other| *other != url.host()));
    }
    hosts
}

fn write_settings(staging: &Staging, issuer: &NewIssuer<'_>) -> Result<(), InitError> {
    let name = toml::Value::from(issuer.name).to_string();
    for (path, template) in CREDENTIALS {
        let mut text = template.replace(NAME, &name);
        if issuer.purpose == Purpose::Demonstration {
            text = text
                .replace("approval = \"officer\"", "approval = \"at-once\"")
                .replace("tx_code_channel = \"caller\"", "tx_code_channel = \"screen\"");
        }
        staging.write(path, &text, Access::Public)?;
    }
    staging.write("bestow.toml", &example(issuer.url, issuer.name), Access::Public)
}

/// Everything is read as `serve` will read it before it stands where somebody looks for it.
fn make_database(staging: &Staging, now: Timestamp) -> Result<(), InitError> {
    let config = Config::load(&staging.path("bestow.toml"))?;
    config.credential_types()?;
    load_keys(&config, now)?;
    check_tls(&config)?;
    if let Some(file) = config.database.file() {
        migrate(file)?;
    }
    Ok(())
}

/// Why no issuer was made.
#[derive(Debug)]
pub enum InitError {
    /// Something is in the folder already.
    NotEmpty(PathBuf),
    /// Paths in settings are text.
    BadFolder(PathBuf),
    /// The address is plain http.
    PlainHttp,
    /// The admin API listens on the port after the public one, and there is none.
    NoAdminPort,
    /// The name cannot be shown.
    BadName,
    /// A file or a folder could not be made.
    Io(PathBuf, io::Error),
    /// A certificate could not be made.
    Certificate(DevelopmentError),
    /// The key that signs credentials could not be made.
    Key(SignError),
    /// The key that requests are encrypted for could not be made.
    EncryptionKey(EncryptionKeyError),
    /// What was written cannot be read.
    Config(ConfigError),
    /// The database could not be made.
    Store(StoreError),
}

impl From<ConfigError> for InitError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StoreError> for InitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DevelopmentError> for InitError {
    fn from(error: DevelopmentError) -> Self {
        Self::Certificate(error)
    }
}

impl From<EncryptionKeyError> for InitError {
    fn from(error: EncryptionKeyError) -> Self {
        Self::EncryptionKey(error)
    }
}

impl From<SignError> for InitError {
    fn from(error: SignError) -> Self {
        Self::Key(error)
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEmpty(folder) => {
                let folder = folder.display();
                write!(f, "{folder} is not empty, and nothing in it was changed\n  ")?;
                f.write_str("name a new folder; to change an issuer, edit its bestow.toml")
            }
            Self::BadFolder(folder) => {
                let folder = folder.display();
                write!(f, "the name of the folder `{folder}` is empty or no UTF-8 text\n  ")?;
                f.write_str("name another folder")
            }
            Self::NoAdminPort => f.write_str(
                "the admin API listens on the port after the public one, and 65535 is the last\n  \
                 choose a lower port in --url",
            ),
            Self::PlainHttp => f.write_str(
                "a new issuer serves over TLS, so its address begins with https\n  \
                 behind a reverse proxy, set [server] tls = \"off\" afterwards",
            ),
            Self::BadName => write!(
                f,
                "the name of the issuer cannot be shown\n  \
                 use 1 to {NAME_LENGTH_MAX} visible characters in one line"
            ),
            Self::Io(path, error) => {
                let path = path.display();
                write!(f, "{path} cannot be made: {error}\n  check the folder and its owner")
            }
            Self::Certificate(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::EncryptionKey(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InitError {}

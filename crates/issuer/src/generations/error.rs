//! Why nothing was changed in the folder of keys.

use std::fmt;
use std::path::PathBuf;

use keys::development::DevelopmentError;
use keys::jwe::EncryptionKeyError;
use keys::signer::SignError;

use super::{Generation, KeyPurpose, MANIFEST, Refusal};
use crate::config::ConfigError;

/// Why nothing was changed in the folder of keys.
#[derive(Debug)]
pub enum KeysError {
    /// A file of the folder.
    File(ConfigError),
    /// It may not be.
    Refused(KeyPurpose, Refusal),
    /// There is no development CA that could certify a signing key.
    NoAuthority,
    /// The certificate that was given is not that of the key that was requested, or too old.
    WrongCertificate(&'static str),
    /// The profile does not take such certificates: why, and what to do.
    WrongChain(&'static str, &'static str),
    /// The next signing key has its certificate already.
    HasCertificate(Generation),
    /// Another signing key was requested before, in this file.
    OtherKey(PathBuf),
    /// The certificate or its request could not be made.
    Certificate(DevelopmentError),
    /// The signing key could not be made.
    SigningKey(SignError),
    /// The key that requests are encrypted for could not be made.
    EncryptionKey(EncryptionKeyError),
    /// This program was built without what such a key is for.
    NoBbs,
    /// The key for credentials whose disclosures cannot be linked could not be made.
    BbsKey,
    /// There is such a key, of which the list of generations says nothing.
    Unlisted(PathBuf),
}

impl From<ConfigError> for KeysError {
    fn from(error: ConfigError) -> Self {
        Self::File(error)
    }
}

impl From<DevelopmentError> for KeysError {
    fn from(error: DevelopmentError) -> Self {
        Self::Certificate(error)
    }
}

impl From<SignError> for KeysError {
    fn from(error: SignError) -> Self {
        Self::SigningKey(error)
    }
}

impl From<EncryptionKeyError> for KeysError {
    fn from(error: EncryptionKeyError) -> Self {
        Self::EncryptionKey(error)
    }
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Refused(purpose, refusal) => refuse(*purpose, refusal, f),
            Self::NoAuthority => f.write_str(
                "there is no development CA in the folder `keys` that could certify a new key\n  \
                 run `bestow issuer keys rotate signing --csr FILE`, have FILE certified, and come \
                 back with --certificate",
            ),
            Self::WrongCertificate(problem) => write!(
                f,
                "this certificate {problem}\n  \
                 `bestow issuer keys rotate signing --csr FILE` writes what is to be certified"
            ),
            Self::WrongChain(problem, remedy) => write!(f, "{problem}\n  {remedy}"),
            Self::HasCertificate(next) => write!(
                f,
                "signing: generation {} has its certificate, and is about to be in use\n  \
                 leave --certificate out to have that one in use at once; once it is, come back \
                 with --certificate",
                next.number
            ),
            Self::OtherKey(file) => write!(
                f,
                "another signing key was requested already: {}\n  \
                 go on with that one, or remove the file to request this one",
                file.display()
            ),
            Self::Certificate(error) => error.fmt(f),
            Self::SigningKey(error) => error.fmt(f),
            Self::EncryptionKey(error) => error.fmt(f),
            Self::NoBbs => f.write_str(
                "this program was built without bbs-2023\n  \
                 build it with `--features bbs-2023`; docs/adr/0019-bbs.md says why it is off",
            ),
            Self::BbsKey => f.write_str("no key of BLS12-381 could be made"),
            Self::Unlisted(file) => write!(
                f,
                "{} is there, and {MANIFEST} does not list it\n  \
                 copy the whole folder of keys from the node that made it, or from a backup; to make \
                 another key, move that file away",
                file.display()
            ),
        }
    }
}

fn refuse(purpose: KeyPurpose, refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match refusal {
        Refusal::HasNext(next) => write!(
            f,
            "{purpose}: generation {} is about to be in use, from {} on\n  \
             add --now to have it in use at once",
            next.number,
            next.active_from.to_rfc3339()
        ),
        Refusal::TooMany => write!(
            f,
            "{purpose}: there are too many generations\n  \
             run `bestow issuer keys retire {purpose}` once nothing needs the oldest any more"
        ),
        Refusal::Unknown => write!(
            f,
            "{purpose}: there is no such generation\n  `bestow issuer keys list` shows all of them"
        ),
        Refusal::Active => write!(
            f,
            "{purpose}: this generation is in use\n  \
             run `bestow issuer keys rotate {purpose} --now` first"
        ),
        Refusal::Needed(until) => write!(
            f,
            "{purpose}: this generation may be needed until {}\n  \
             add --force to destroy it all the same: what was made with it is then void",
            until.to_rfc3339()
        ),
    }
}

impl std::error::Error for KeysError {}

//! `bestow issuer keys …`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use issuer::generations::KeyPurpose;
use keys::algorithm::Algorithm;

use super::ConfigFile;

pub(super) const KEYS_EXAMPLES: &str = "\
Examples:
  bestow issuer keys list
  bestow issuer keys rotate --all
  bestow issuer keys rotate signing --csr signing.csr
  bestow issuer keys rotate signing --certificate signing.pem
  bestow issuer keys rotate signing --algorithm ES384
  bestow issuer keys rotate signing --csr signing.csr --pkcs11 \
    'pkcs11:token=issuer;object=2027?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=hsm.pin'
  bestow issuer keys retire --all

An issuer that serves reads the folder again by itself. Of several nodes, each needs a copy of it
before a new key comes into use.

A key in hardware (PKCS #11) stays there, and what is kept here is its name. Its PIN is in a file of
mode 600, in the folder `keys` unless its path is absolute. To destroy it is left to you.";

fn purpose(text: &str) -> Result<KeyPurpose, String> {
    KeyPurpose::parse(text).ok_or_else(|| {
        let names = KeyPurpose::ALL.map(KeyPurpose::name);
        format!("one of {}", names.join(", "))
    })
}

/// No authority that we know certifies other keys.
fn algorithm(text: &str) -> Result<Algorithm, String> {
    let certified = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa];
    let known = Algorithm::parse(text).filter(|algorithm| certified.contains(algorithm));
    known.ok_or_else(|| "one of ES256, ES384, ES512 and EdDSA".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List all keys: what for, in which state, since when
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Make the next key; it comes into use after the lead that bestow.toml says
    Rotate(RotateArguments),
    /// Destroy the keys that nothing can need any more
    Retire(RetireArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// signing, encryption, offer, tx-code, nonce, form or bbs
    #[arg(value_parser = purpose, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) purpose: Option<KeyPurpose>,
    /// Of every purpose
    #[arg(long)]
    pub(crate) all: bool,
    /// Let the next key come into use at once: when the present one is no longer safe
    #[arg(long)]
    pub(crate) now: bool,
    /// Write the next signing key's certificate request, and change nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["certificate", "now", "all"])]
    pub(crate) csr: Option<PathBuf>,
    /// The certificate for that request, and those between it and the root, as PEM
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    pub(crate) certificate: Option<PathBuf>,
    /// What a new signing key signs with, from ES256 on; else what the one in use does
    #[arg(long, value_parser = algorithm, conflicts_with_all = ["all", "pkcs11"])]
    pub(crate) algorithm: Option<Algorithm>,
    /// The next signing key is this one in hardware, made there before:
    /// `pkcs11:token=T;object=K?module-path=FILE.so&pin-source=FILE`
    #[arg(long, value_name = "URI", conflicts_with = "all")]
    pub(crate) pkcs11: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct RetireArguments {
    /// signing, encryption, offer, tx-code, nonce, form or bbs
    #[arg(value_parser = purpose, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) purpose: Option<KeyPurpose>,
    /// Of every purpose
    #[arg(long)]
    pub(crate) all: bool,
    /// This generation alone
    #[arg(long, value_name = "NUMBER", conflicts_with = "all")]
    pub(crate) generation: Option<u32>,
    /// Although something may need it: what was made with it is void
    #[arg(long, requires = "generation")]
    pub(crate) force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

impl KeysCommand {
    pub(super) const fn as_json(&self) -> bool {
        match self {
            Self::List { json, .. } => *json,
            Self::Rotate(arguments) => arguments.json,
            Self::Retire(arguments) => arguments.json,
        }
    }
}

//! `bestow issuer pki …`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keys::document_signer::{IACA_DAYS_MAX, SIGNER_DAYS_MAX};

pub(super) const PKI_EXAMPLES: &str = "\
Examples:
  bestow issuer pki iaca authority --country DE --name 'Example IACA' \\
      --contact https://authority.example --crl https://authority.example/crl
  bestow issuer keys rotate signing --csr signing.csr
  bestow issuer pki sign authority signing.csr > signing.pem
  bestow issuer keys rotate signing --certificate signing.pem

The authority's key need not be where the issuer runs, and better is not. For an authority that
others trust, give signing.csr to theirs.";

#[derive(Debug, Subcommand)]
pub(crate) enum PkiCommand {
    /// Make an authority for mdocs (ISO/IEC 18013-5 IACA): a root and its key, in a new folder
    Iaca(IacaArguments),
    /// Certify a document signer: prints the certificate for a certificate request
    Sign(SignArguments),
}

#[derive(Debug, Args)]
pub(crate) struct IacaArguments {
    /// A new folder for iaca.pem, which verifiers have to trust, and iaca-key.pem
    pub(crate) folder: PathBuf,
    /// Two letters of ISO 3166-1; what mdocs say of their country must be the same
    #[arg(long, value_name = "DE")]
    pub(crate) country: String,
    /// What people call the authority
    #[arg(long)]
    pub(crate) name: String,
    /// Where to ask about it: an address of e-mail, or a URL
    #[arg(long)]
    pub(crate) contact: String,
    /// Where it lists the certificates that it took back
    #[arg(long, value_name = "URL")]
    pub(crate) crl: String,
    /// How long the root is valid, in days
    #[arg(long, default_value = "3650")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=IACA_DAYS_MAX))]
    pub(crate) days: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The folder that `pki iaca` made
    pub(crate) folder: PathBuf,
    /// The certificate request, as PEM
    pub(crate) request: PathBuf,
    /// How long the certificate is valid, in days
    #[arg(long, default_value = "456")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..SIGNER_DAYS_MAX))]
    pub(crate) days: u64,
}

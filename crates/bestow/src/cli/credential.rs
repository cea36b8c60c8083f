//! What can be typed after `bestow issuer credential`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use issuer::credential_type::new::{NEW_FORMATS, examples};

use super::ConfigFile;

pub(super) const CREDENTIAL_EXAMPLES: &str = "\
Examples:
  bestow issuer credential new library_card --format vc+jwt
  bestow issuer credential check library_card
  bestow issuer credential preview credentials/library_card.toml --language de";

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Write the file of a new credential type, to go on from
    New(NewArguments),
    /// Tell everything that is wrong with credential types, and what had better be otherwise
    Check(CheckArguments),
    /// Show what a credential type makes: card, form, metadata, and what would be signed
    Preview(PreviewArguments),
}

impl CredentialCommand {
    pub(super) const fn as_json(&self) -> bool {
        match self {
            Self::Preview(arguments) => arguments.json,
            Self::New(_) | Self::Check(_) => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// The Credential Configuration Identifier; the file in credentials/ is called so
    pub(crate) name: String,
    /// The format of the credential
    #[arg(long, default_value = "dc+sd-jwt", value_parser = PossibleValuesParser::new(NEW_FORMATS))]
    pub(crate) format: String,
    /// Begin with an example, in the format that it has
    #[arg(long, value_name = "EXAMPLE", conflicts_with = "format")]
    #[arg(value_parser = PossibleValuesParser::new(examples()))]
    pub(crate) from: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Files or identifiers of credential types; without any, all of the issuer
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct PreviewArguments {
    /// The file of a credential type, or its identifier
    pub(crate) file: PathBuf,
    /// A JSON object with its claims, in place of its examples; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) claims: Option<PathBuf>,
    /// The language of the card and of the form
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub(crate) language: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

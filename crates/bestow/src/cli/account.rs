//! What can be typed after `bestow issuer account`.

use std::path::PathBuf;

use clap::Subcommand;

use super::ConfigFile;

pub(super) const ACCOUNT_EXAMPLES: &str = "\
Examples:
  bestow issuer account add ada --sample student_card
  bestow issuer account add erika --claims erika.json < password.txt";

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account; its password is asked for, or read from standard input
    Add {
        /// What its owner types to sign in
        name: String,
        /// A JSON object that has, by credential type, an object of claims
        #[arg(long, value_name = "FILE")]
        claims: Option<PathBuf>,
        /// Fill in the example values of this type; may be repeated
        #[arg(long, value_name = "CONFIGURATION_ID")]
        sample: Vec<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// List accounts
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Remove an account; credentials that were issued to it stay valid
    Remove {
        /// As listed
        name: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Change a password; it is asked for, or read from standard input
    Password {
        /// As listed
        name: String,
        #[command(flatten)]
        config: ConfigFile,
    },
}

impl AccountCommand {
    pub(super) const fn as_json(&self) -> bool {
        match self {
            Self::Add { json, .. } | Self::List { json, .. } => *json,
            Self::Remove { .. } | Self::Password { .. } => false,
        }
    }
}

//! `bestow issuer deferred …`: what can be typed.

use std::path::PathBuf;

use clap::Subcommand;

use super::ConfigFile;

#[derive(Debug, Subcommand)]
pub(crate) enum DeferredCommand {
    /// List credentials that wallets have asked for, oldest offer first
    List {
        /// waiting, approved, rejected or delivered
        #[arg(long, default_value = "waiting")]
        state: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Approve one: its wallet gets it when it asks again
    Approve {
        /// As listed
        id: String,
        /// A JSON file with what the credential is to say, in place of what the offer holds
        #[arg(long, value_name = "FILE")]
        claims: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Reject one: it is never issued
    Reject {
        /// As listed
        id: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
}

impl DeferredCommand {
    pub(super) const fn as_json(&self) -> bool {
        match self {
            Self::List { json, .. } | Self::Approve { json, .. } | Self::Reject { json, .. } => {
                *json
            }
        }
    }
}

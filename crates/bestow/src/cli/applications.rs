//! `bestow issuer applications …`: what can be typed.

use clap::Subcommand;

use super::ConfigFile;

#[derive(Debug, Subcommand)]
pub(crate) enum ApplicationsCommand {
    /// List applications, oldest first
    List {
        /// waiting, approved or rejected
        #[arg(long, default_value = "waiting")]
        state: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Approve an application: its page will show an offer
    Approve {
        /// As listed
        id: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Reject an application
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

impl ApplicationsCommand {
    pub(super) const fn as_json(&self) -> bool {
        match self {
            Self::List { json, .. } | Self::Approve { json, .. } | Self::Reject { json, .. } => {
                *json
            }
        }
    }
}

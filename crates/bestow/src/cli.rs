//! What can be typed.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::exit::Failure;

/// Issue and receive verifiable credentials with OpenID4VCI.
#[derive(Debug, Parser)]
#[command(name = "bestow", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Examples:\n  \
    bestow demo                            an issuer and a wallet on this machine\n  \
    bestow issuer init my-issuer           a new issuer\n  \
    bestow wallet receive offer.png        scan a picture of a QR code")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the issuer of an organisation
    #[command(subcommand)]
    Issuer(IssuerCommand),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    ManPages {
        /// An existing folder
        folder: PathBuf,
    },
}

impl Command {
    /// Whether results and failures are wanted as JSON.
    pub(crate) fn as_json(&self) -> bool {
        match self {
            Self::Issuer(command) => command.as_json(),
            Self::Completions { .. } | Self::ManPages { .. } => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum IssuerCommand {
    /// Make the folder of a new issuer: configuration, credential types, keys, database
    Init {
        /// A folder that does not exist yet, or is empty
        dir: PathBuf,
        /// The Credential Issuer Identifier: where wallets will reach it
        #[arg(long, default_value = "https://localhost:8443")]
        url: String,
        /// What people call the issuer
        #[arg(long, default_value = "My Organisation")]
        name: String,
    },
    /// Serve wallets, the portal and the admin API
    Serve(ConfigFile),
    /// Print the effective configuration, or what is wrong with it
    CheckConfig(ConfigFile),
    /// Bring the database to the schema of this version
    Migrate(ConfigFile),
    /// Make a Credential Offer and show it
    Offer(OfferArguments),
    /// Print the example claims of a credential type as JSON
    Sample {
        /// The name of the file in credentials/, without .toml
        configuration_id: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// What people applied for on the portal
    #[command(subcommand)]
    Applications(ApplicationsCommand),
    /// Print the reference of bestow.toml as Markdown
    #[command(hide = true)]
    ConfigReference,
}

impl IssuerCommand {
    fn as_json(&self) -> bool {
        match self {
            Self::Offer(arguments) => arguments.json,
            Self::Applications(
                ApplicationsCommand::List { json, .. }
                | ApplicationsCommand::Approve { json, .. }
                | ApplicationsCommand::Reject { json, .. },
            ) => *json,
            Self::Init { .. }
            | Self::Serve(_)
            | Self::CheckConfig(_)
            | Self::Migrate(_)
            | Self::Sample { .. }
            | Self::ConfigReference => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The issuer's configuration
    #[arg(long, value_name = "FILE", default_value = "bestow.toml", env = "BESTOW_CONFIG")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct OfferArguments {
    /// Credential types to offer: names of files in credentials/, without .toml
    #[arg(required = true, value_name = "CONFIGURATION_ID")]
    pub(crate) configuration_ids: Vec<String>,
    /// A JSON object with the claims of all offered types; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) claims: Option<PathBuf>,
    /// One claim, such as address.city=Bremen; may be repeated, wins over --claims
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub(crate) claim: Vec<String>,
    /// Fill in the example values of the types
    #[arg(long)]
    pub(crate) sample: bool,
    /// Guard the offer with a transaction code
    #[arg(long)]
    pub(crate) tx_code: bool,
    /// Take the risk of a long or printed offer without a transaction code
    #[arg(long, conflicts_with = "tx_code")]
    pub(crate) without_tx_code: bool,
    /// Put the offer itself into the link, instead of where it is
    #[arg(long)]
    pub(crate) by_value: bool,
    /// How long the offer is good
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expires_in: Option<u64>,
    /// Write the QR code as a picture (.svg or .png)
    #[arg(long, value_name = "FILE")]
    pub(crate) qr: Option<PathBuf>,
    /// Write a letter to print, with the transaction code on a sheet of its own
    #[arg(long, value_name = "FILE.pdf")]
    pub(crate) print: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

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

/// Prints completions on standard output.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    clap_complete::generate(shell, &mut Cli::command(), "bestow", &mut io::stdout());
    Ok(())
}

/// Writes one page for each command.
pub(crate) fn man_pages(folder: &Path) -> Result<(), Failure> {
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
        Failure::usage(format!("cannot write into {}: {error}", folder.display()))
    })
}

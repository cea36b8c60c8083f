//! What can be typed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use oid4vci::legacy::Dialect;

use crate::bench::arguments::BenchArguments;
use crate::exit::{Failure, Kind};
use crate::terminal::{is_result_lost, lose_result, print};

mod account;
mod applications;
mod credential;
mod deferred;
mod generations;
mod inspect;
mod migrate_store;
mod offer;
mod pki;
mod status;
mod wallet;

use account::ACCOUNT_EXAMPLES;
pub(crate) use account::AccountCommand;
pub(crate) use applications::ApplicationsCommand;
use credential::CREDENTIAL_EXAMPLES;
pub(crate) use credential::{CheckArguments, CredentialCommand, NewArguments, PreviewArguments};
pub(crate) use deferred::DeferredCommand;
use generations::KEYS_EXAMPLES;
pub(crate) use generations::{KeysCommand, RetireArguments, RotateArguments};
use inspect::{DERIVE_EXAMPLES, INSPECT_EXAMPLES, VERIFY_EXAMPLES};
pub(crate) use inspect::{DeriveArguments, InspectArguments, VerifyArguments};
use migrate_store::MIGRATE_STORE_EXAMPLES;
pub(crate) use migrate_store::MigrateStoreArguments;
pub(crate) use offer::OfferArguments;
use offer::{OFFER_EXAMPLES, draft};
use pki::PKI_EXAMPLES;
pub(crate) use pki::{IacaArguments, PkiCommand, SignArguments};
use status::REVOKE_EXAMPLES;
pub(crate) use status::StatusArguments;
pub(crate) use wallet::{
    AttestationArguments, ClientKeyArguments, ReachArguments, ReceiveArguments, RefreshArguments,
    ResumeArguments, ServeArguments, TrustArguments, WalletArguments, WalletCommand,
};

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
    /// Run an issuer and a wallet on this machine, to see how it works
    Demo(DemoArguments),
    /// Run the issuer of an organisation
    #[command(subcommand)]
    Issuer(IssuerCommand),
    /// Receive credentials and keep them
    Wallet(WalletArguments),
    /// Tell what something is and says: a credential, an offer, a JWT, a status list, metadata
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArguments),
    /// Leave out of a credential what its holder does not show (SD-JWT, ecdsa-sd-2023)
    #[command(after_help = DERIVE_EXAMPLES)]
    Derive(DeriveArguments),
    /// Verify a credential: signature, issuer, validity, status; or another thing that is signed
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Box<VerifyArguments>),
    /// Measure how fast an issuer is
    Bench(Box<BenchArguments>),
    /// Print completions for a shell
    #[command(after_help = "Example:\n  \
        bestow completions bash > ~/.local/share/bash-completion/completions/bestow")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages into a folder
    ManPages {
        /// Is made where it is missing
        folder: PathBuf,
    },
}

impl Command {
    /// Whether results and failures are wanted as JSON.
    pub(crate) fn as_json(&self) -> bool {
        match self {
            Self::Issuer(command) => command.as_json(),
            Self::Wallet(arguments) => arguments.command.as_json(),
            Self::Inspect(arguments) => arguments.json,
            Self::Derive(arguments) => arguments.json,
            Self::Verify(arguments) => arguments.json,
            Self::Bench(arguments) => arguments.json,
            Self::Demo(_) | Self::Completions { .. } | Self::ManPages { .. } => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Play the holder too: apply, scan, receive, show, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// One credential of each format, verified as `bestow verify` does it
    #[arg(long, requires = "once")]
    pub(crate) all_formats: bool,
    /// Speak a draft of OpenID4VCI, 8 to 15, and tell at each step what it does otherwise
    #[arg(long, value_name = "NUMBER", value_parser = draft)]
    pub(crate) draft: Option<Dialect>,
    /// Keep everything in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IssuerCommand {
    /// Make the folder of a new issuer: configuration, credential types, keys, database
    #[command(after_help = "Example:\n  \
        bestow issuer init my-issuer --url https://issuer.example --name \"Riverside University\"")]
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
    /// Copy the database to a file, also while the issuer serves
    #[command(after_help = "Example:\n  \
        bestow issuer backup backups/2026-11-25.db\n\
        Keep the folder keys with it: without it nobody can use what is in the copy.")]
    Backup {
        /// A new file
        file: PathBuf,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Put a backup in the place of the database; closes every offer that is open in it
    #[command(after_help = "Example:\n  \
        bestow issuer restore backups/2026-11-25.db")]
    Restore {
        /// What `bestow issuer backup` wrote
        file: PathBuf,
        /// Without bestow.revocations: what was revoked since the backup becomes valid again
        #[arg(long)]
        accept_lost_revocations: bool,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Move everything to another database, from SQLite to PostgreSQL or back
    #[command(after_help = MIGRATE_STORE_EXAMPLES)]
    MigrateStore(MigrateStoreArguments),
    /// Make a Credential Offer and show it
    #[command(after_help = OFFER_EXAMPLES)]
    Offer(OfferArguments),
    /// Let an offer be taken that was made with --held
    Release {
        /// The id of the offer
        id: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Revoke the credentials that came from an offer, for good
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(StatusArguments),
    /// Suspend the credentials that came from an offer, until they are reinstated
    #[command(after_help = "Example:\n  \
        bestow issuer suspend 01a20ad6-7e98-7723-a4f6-827abaf3b248")]
    Suspend(StatusArguments),
    /// Make suspended credentials valid again
    #[command(after_help = "Example:\n  \
        bestow issuer reinstate 01a20ad6-7e98-7723-a4f6-827abaf3b248 --credential 2")]
    Reinstate(StatusArguments),
    /// Credential types: write a new one, find what is wrong with it, see what it makes
    #[command(subcommand, after_help = CREDENTIAL_EXAMPLES)]
    Credential(CredentialCommand),
    /// Print the example claims of a credential type as JSON
    Sample {
        /// The name of the file in credentials/, without .toml
        configuration_id: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// What people applied for on the portal
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bestow issuer applications list\n  \
        bestow issuer applications approve 01a20ad6-7e98-7723-a4f6-827abaf3b248"
    )]
    Applications(ApplicationsCommand),
    /// Who can sign in, for wallets that send people here
    #[command(subcommand, after_help = ACCOUNT_EXAMPLES)]
    Account(AccountCommand),
    /// What wallets have asked for and an officer has yet to approve
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bestow issuer deferred list\n  \
        bestow issuer deferred approve 01a20ad6-7e98-4e1b-9c55-1f02d3a4b5c6"
    )]
    Deferred(DeferredCommand),
    /// The issuer's own keys: list them, replace them, end what nothing needs any more
    #[command(subcommand, after_help = KEYS_EXAMPLES)]
    Keys(KeysCommand),
    /// An authority of one's own for mdocs, and the certificates of their signers
    #[command(subcommand, after_help = PKI_EXAMPLES)]
    Pki(PkiCommand),
    /// Print the reference of bestow.toml as Markdown
    #[command(hide = true)]
    ConfigReference,
}

impl IssuerCommand {
    fn as_json(&self) -> bool {
        match self {
            Self::Offer(arguments) => arguments.json,
            Self::Revoke(arguments) | Self::Suspend(arguments) | Self::Reinstate(arguments) => {
                arguments.json
            }
            Self::Account(command) => command.as_json(),
            Self::Credential(command) => command.as_json(),
            Self::Applications(command) => command.as_json(),
            Self::Deferred(command) => command.as_json(),
            Self::Keys(command) => command.as_json(),
            Self::Init { .. }
            | Self::Release { .. }
            | Self::Serve(_)
            | Self::CheckConfig(_)
            | Self::Migrate(_)
            | Self::Backup { .. }
            | Self::Restore { .. }
            | Self::MigrateStore(_)
            | Self::Sample { .. }
            | Self::Pki(_)
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

/// Reads the command line; help, and mistakes in it, are told here.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        let as_json = std::env::args_os().any(|argument| argument == "--json");
        if as_json && error.use_stderr() {
            mistake(&error).print(as_json);
            return Kind::Usage.exit_code();
        }
        let printed = error.print();
        if let (Err(fault), false) = (printed, error.use_stderr()) {
            lose_result(&fault);
        }
        if is_result_lost() {
            return Kind::OwnFault.exit_code();
        }
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// The first part of what clap says: the rest is for people.
fn mistake(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let lines: Vec<&str> = first.trim_start_matches("error: ").lines().map(str::trim).collect();
    Failure::usage(lines.join(" ")).hint("for what can be typed, add --help")
}

/// Prints completions on standard output.
pub(crate) fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bestow", &mut script);
    print(String::from_utf8_lossy(&script).trim_end());
}

/// Writes one page for each command.
pub(crate) fn man_pages(folder: &Path) -> Result<(), Failure> {
    let made = fs::create_dir_all(folder);
    made.and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .map_err(|error| Failure::usage(format!("cannot write into {}: {error}", folder.display())))
}

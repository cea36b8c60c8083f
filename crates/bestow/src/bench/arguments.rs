//! What can be typed after `bestow bench`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  bestow bench --self --concurrency 32 --duration 10
  bestow bench --issuer https://issuer.example --admin http://127.0.0.1:8444 \\
      --key-file keys/admin.key --claims claims.json --pid 4711 --json
  bestow bench --offers offers.txt --concurrency 16";

/// Whose issuer is measured: said first, as a mistake in it is told with these lines alone.
const USAGE: &str = "bestow bench --self [OPTIONS]
       bestow bench --issuer URL --admin URL --key-file FILE [OPTIONS]
       bestow bench --offers FILE|- [OPTIONS]
       bestow bench --offer-command COMMAND [OPTIONS]";

#[derive(Debug, Args)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct BenchArguments {
    /// Start an issuer of its own, with a new folder and database, and measure that
    #[arg(long = "self", conflicts_with_all = ["issuer", "admin", "offers", "offer_command", "pid"])]
    pub(super) own: bool,
    /// The Credential Issuer Identifier; else the one of the first offer
    #[arg(long, value_name = "URL", required_unless_present_any = ["own", "offers", "offer_command"])]
    pub(super) issuer: Option<String>,
    /// The admin API where offers are made
    #[arg(long, value_name = "URL", requires_all = ["key_file", "issuer"])]
    #[arg(required_unless_present_any = ["own", "offers", "offer_command"])]
    pub(super) admin: Option<String>,
    /// The file with the key of the admin API
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub(super) key_file: Option<PathBuf>,
    /// Take offers from a file, one link a line, with its transaction code behind a space; - reads
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    pub(super) offers: Option<PathBuf>,
    /// Take offers from what a shell command prints; it is run again when it has ended well
    #[arg(long, value_name = "CMD", conflicts_with_all = ["admin", "offers"])]
    pub(super) offer_command: Option<String>,
    /// Which credential to ask for; else the student card, or the first one of the offer
    #[arg(long, value_name = "CONFIGURATION_ID")]
    pub(super) configuration: Option<String>,
    /// Ask for the first credential of this format, such as `jwt_vc_json`
    #[arg(long, value_name = "FORMAT", conflicts_with = "configuration")]
    pub(super) format: Option<String>,
    /// A JSON object with the claims of the offers; --self has the example values, without pictures
    #[arg(long, value_name = "FILE")]
    pub(super) claims: Option<PathBuf>,
    /// Send one `proof`, as drafts have it; else as the metadata look
    #[arg(long)]
    pub(super) single_proof: bool,
    /// Keys, and so credentials, in one request
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "single_proof")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) batch: u32,
    /// Holders at the same time
    #[arg(long, value_name = "N", default_value = "32")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) concurrency: u32,
    /// How long to count, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(super) duration: u32,
    /// How long to run before counting, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=600))]
    pub(super) warm_up: u32,
    /// Open new connections for each flow, as holders do who come once
    #[arg(long)]
    pub(super) reconnect: bool,
    /// Connections that are open beside, and idle
    #[arg(long, value_name = "N", default_value = "0")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(super) idle: u32,
    /// The server's process, on this machine, to measure its CPU time and memory
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,
    /// The certificate authority to trust for TLS, instead of those of this machine (PEM)
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// With --self: speak TLS
    #[arg(long, requires = "own")]
    pub(super) tls: bool,
    /// With --self: where the issuer keeps its data; else a new SQLite file
    #[arg(long, value_name = "DATABASE", requires = "own")]
    pub(super) database: Option<String>,
    /// With --self: offers that are in the database before the start
    #[arg(long, value_name = "N", requires = "own", default_value = "0")]
    pub(super) stored: u64,
    /// Make so many offers before the start and none later, so that holders alone are the load
    #[arg(long, value_name = "N", conflicts_with_all = ["offers", "offer_command"], default_value = "0")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub(super) ahead: u32,
    /// With --self: keep the pictures among the example values
    #[arg(long, requires = "own")]
    pub(super) pictures: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

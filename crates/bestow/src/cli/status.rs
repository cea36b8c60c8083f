//! `bestow issuer revoke | suspend | reinstate`.

use clap::Args;

use super::ConfigFile;

pub(super) const REVOKE_EXAMPLES: &str = "\
Examples:
  bestow issuer revoke 01a20ad6-7e98-7723-a4f6-827abaf3b248
  bestow issuer revoke 01a20ad6-7e98-7723-a4f6-827abaf3b248 --credential 2 --json";

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// The id of the offer, as `bestow issuer offer` printed it
    #[arg(value_name = "OFFER_ID")]
    pub(crate) id: String,
    /// Only this credential of the offer, counted from 1; may be repeated
    #[arg(long = "credential", value_name = "NUMBER")]
    pub(crate) credentials: Vec<usize>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

//! What can be typed after `bestow issuer offer`.

use std::path::PathBuf;

use clap::Args;
use issuer::flow::offer::OfferGrants;
use oid4vci::legacy::Dialect;

use super::ConfigFile;

pub(super) const OFFER_EXAMPLES: &str = "\
Examples:
  bestow issuer offer student_card --sample
  bestow issuer offer student_card --claims erika.json --claim address.city=Bremen --tx-code
  bestow issuer offer library_card --all-formats --sample
  bestow issuer offer diploma --claims - --tx-code --print letter.pdf --json < erika.json";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct OfferArguments {
    /// Credential types to offer: names of files in credentials/, without .toml or .json, or the
    /// `id` of an `[[also]]`
    #[arg(required = true, value_name = "CONFIGURATION_ID")]
    pub(crate) configuration_ids: Vec<String>,
    /// Each in all the formats that its file offers it in
    #[arg(long)]
    pub(crate) all_formats: bool,
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
    /// How it can be taken: by whoever has it, by whoever signs in, or both
    #[arg(long, value_name = "pre-authorized_code|authorization_code|both", value_parser = grants)]
    pub(crate) grants: Option<OfferGrants>,
    /// The only account that can take it, by signing in
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Speak a draft of OpenID4VCI, for wallets that know no 1.0: see `legacy.drafts`
    #[arg(long, value_name = "8|9|10|11|12|13|14|15", value_parser = draft)]
    pub(crate) draft: Option<Dialect>,
    /// Hold it until `bestow issuer release`: wallets of drafts 8 to 13 wait for it
    #[arg(long, requires = "draft")]
    pub(crate) held: bool,
    /// How long the offer is good
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
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

fn grants(text: &str) -> Result<OfferGrants, String> {
    match text {
        "pre-authorized_code" => Ok(OfferGrants::PreAuthorizedCode),
        "authorization_code" => Ok(OfferGrants::AuthorizationCode),
        "both" => Ok(OfferGrants::Both),
        _ => Err("one of pre-authorized_code, authorization_code and both".to_owned()),
    }
}

pub(super) fn draft(text: &str) -> Result<Dialect, String> {
    Dialect::parse(text).ok_or_else(|| "one of 8, 9, 10, 11, 12, 13, 14 and 15".to_owned())
}

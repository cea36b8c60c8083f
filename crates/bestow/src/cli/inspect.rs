//! What can be typed after `bestow inspect` and `bestow verify`.

use std::path::PathBuf;

use clap::Args;
use keys::outside::Timestamp;

use crate::contexts::ContextFile;

pub(super) const INSPECT_EXAMPLES: &str = "\
Examples:
  bestow inspect credential.txt
  bestow inspect photo-of-an-offer.jpg
  curl -s https://issuer.example/.well-known/openid-credential-issuer | bestow inspect -
It asks nobody and verifies nothing. Codes, tokens and private keys are not shown.";

#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// A file, a link, or - for standard input
    #[arg(value_name = "FILE|LINK|-")]
    pub(crate) what: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) const DERIVE_EXAMPLES: &str = "\
Examples:
  bestow derive credential.json --list
  bestow derive credential.json --pointer /credentialSubject/given_name > shown.json
  bestow derive - --pointer /credentialSubject/address < credential.json | bestow verify -
  bestow derive card.txt --pointer /given_name --nonce n-0S6 --audience NAME --key key.pem
What its issuer made mandatory is shown always: issuer, dates, status, and who holds it. Nobody
is asked. Only a key binding (--key, behind an SD-JWT) shows that whoever shows it is its holder.
The wallet of bestow gives no key out: --key is for one that you made yourself.";

#[derive(Debug, Args)]
pub(crate) struct DeriveArguments {
    /// An SD-JWT, or a credential with a proof by ecdsa-sd-2023, as its issuer made it; - for standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) what: String,
    /// What to show, as a JSON pointer (RFC 6901), and all that is below it; may be repeated
    #[arg(long, value_name = "POINTER")]
    pub(crate) pointer: Vec<String>,
    /// A context that the program does not have (JSON-LD); may be repeated
    #[arg(long, value_name = "URL=FILE#sha256-HEX", value_parser = ContextFile::parse)]
    pub(crate) context: Vec<ContextFile>,
    /// Print what can be shown, and show nothing
    #[arg(long, conflicts_with = "pointer")]
    pub(crate) list: bool,
    /// The nonce with which a verifier asked for it (SD-JWT)
    #[arg(long, value_name = "NONCE", requires = "key", conflicts_with = "list")]
    pub(crate) nonce: Option<String>,
    /// What the verifier calls itself (SD-JWT)
    #[arg(long, value_name = "NAME", requires = "key")]
    pub(crate) audience: Option<String>,
    /// The key that the credential is bound to (PEM): it signs a key binding (SD-JWT)
    #[arg(long, value_name = "FILE", requires_all = ["nonce", "audience"])]
    pub(crate) key: Option<PathBuf>,
    /// Print one JSON object: the credential, and what is left out of it
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  bestow verify credential.txt --trust-anchor authority.pem
  bestow verify credential.txt --issuer-keys keys.json --offline
  bestow verify mdoc.txt --trust-anchor iaca.pem --at 2026-11-26 --status-list list.jwt --json
  bestow verify shown.txt --trust-anchor authority.pem --nonce n-0S6 --audience NAME
  bestow verify dpop.jwt --proof
The exit code is 0 when nothing failed, the issuer is vouched for, and it is not revoked; 6 when
not, when nobody was asked whether it is, or when nothing in it is signed (offers, metadata); and
4 when somebody who was asked did not answer. Where authorities or keys are given, no website
vouches in their place. A key binding behind an SD-JWT must be right; with --nonce or --audience
there must be one.";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that can be typed")]
pub(crate) struct VerifyArguments {
    /// A credential, an offer, an attestation, a proof, metadata, certificates or a status list; - for
    /// standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) what: String,
    /// An authority that vouches for issuers (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_anchor: Option<PathBuf>,
    /// The issuer's public keys: a JWK Set, a JWK, or its JWT VC Issuer Metadata
    #[arg(long, value_name = "FILE")]
    pub(crate) issuer_keys: Option<PathBuf>,
    /// A certificate authority to trust for TLS, beside those of this machine (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Ask nobody, neither for keys nor for a status
    #[arg(long)]
    pub(crate) offline: bool,
    /// Judge as of this time: 2026-11-26T12:00:00Z, or 2026-11-26
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// The status list, in place of the one that lies where the credential says
    #[arg(long, value_name = "FILE")]
    pub(crate) status_list: Option<PathBuf>,
    /// Do without its status: it may be revoked
    #[arg(long, conflicts_with = "status_list")]
    pub(crate) without_status: bool,
    /// With what a holder was asked to show it: it must have signed this nonce (SD-JWT)
    #[arg(long, value_name = "NONCE", conflicts_with = "proof")]
    pub(crate) nonce: Option<String>,
    /// Whom a holder was asked to show it to: it must have signed for this name (SD-JWT)
    #[arg(long, value_name = "NAME", conflicts_with = "proof")]
    pub(crate) audience: Option<String>,
    /// Be content with a holder's own proof, which shows that somebody has a key and not who
    #[arg(long, conflicts_with_all = ["trust_anchor", "issuer_keys"])]
    pub(crate) proof: bool,
    /// A context that the program does not have (JSON-LD); may be repeated
    #[arg(long, value_name = "URL=FILE#sha256-HEX", value_parser = ContextFile::parse)]
    pub(crate) context: Vec<ContextFile>,
    /// Ask addresses of private networks and of this machine, too
    #[arg(long)]
    pub(crate) allow_private_addresses: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    let midnight = || Timestamp::from_rfc3339(&format!("{text}T00:00:00Z"));
    let wrong = "write it as 2026-11-26T12:00:00Z or 2026-11-26";
    Timestamp::from_rfc3339(text).or_else(midnight).ok_or_else(|| wrong.to_owned())
}

//! What can be typed after `bestow wallet`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keys::algorithm::Algorithm;
use oid4vci::proof::BindingMethod;
use wallet::flow::dialect::Strictness;
use wallet::flow::key::is_did_web;
use wallet::profile::Profile;

use crate::contexts::ContextFile;

#[derive(Debug, Args)]
pub(crate) struct WalletArguments {
    /// The wallet's folder; else the XDG data folder
    #[arg(long, value_name = "DIR", env = "BESTOW_WALLET", global = true)]
    pub(crate) store: Option<PathBuf>,
    /// A file whose first line is the passphrase of the wallet
    #[arg(long, value_name = "FILE", env = "BESTOW_WALLET_PASSPHRASE_FILE", global = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: WalletCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WalletCommand {
    /// Take a Credential Offer: a link, a picture of a QR code, or - for standard input
    #[command(after_help = RECEIVE_EXAMPLES)]
    Receive(Box<ReceiveArguments>),
    /// Ask for credentials that were not ready when they were asked for
    Resume(Box<ResumeArguments>),
    /// List what is still to come
    Pending {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List what the wallet holds
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show one credential
    Show {
        /// As listed
        id: String,
        /// The credential as it was issued
        #[arg(long, conflicts_with = "json")]
        raw: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Ask whether credentials are still valid; their issuers learn that this wallet asks
    #[command(after_help = REFRESH_EXAMPLES)]
    Refresh(RefreshArguments),
    /// Delete one credential; it cannot be brought back
    Delete {
        /// As listed
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the holder's keys, and say what protects them
    Keys {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the document (did.json) that you publish on your website, with keys for --did-web
    #[command(after_help = DID_DOCUMENT_EXAMPLES)]
    DidDocument {
        /// The did:web of your website
        #[arg(value_name = "DID", value_parser = did_web)]
        did: String,
        /// Keys of `bestow wallet keys`; without any, a new one is made
        #[arg(value_name = "KEY_ID", allow_hyphen_values = true)]
        keys: Vec<String>,
        /// The algorithm of a new key
        #[arg(long, value_name = "ES256|EdDSA", value_parser = algorithm,
            default_value = "ES256", conflicts_with = "keys")]
        alg: Algorithm,
    },
    /// Open the wallet's own page, for a browser on this machine
    Serve(ServeArguments),
}

impl WalletCommand {
    pub(super) fn as_json(&self) -> bool {
        match self {
            Self::Receive(arguments) => arguments.json,
            Self::Resume(arguments) => arguments.json,
            Self::Refresh(arguments) => arguments.json,
            Self::Pending { json }
            | Self::List { json }
            | Self::Show { json, .. }
            | Self::Delete { json, .. }
            | Self::Keys { json } => *json,
            Self::DidDocument { .. } | Self::Serve(_) => false,
        }
    }
}

/// Whom the wallet trusts, whatever it does.
#[derive(Debug, Args)]
pub(crate) struct TrustArguments {
    /// A certificate authority to trust for TLS, beside those of this machine (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// An authority that vouches for issuers of credentials (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_anchor: Option<PathBuf>,
    /// A context that the program does not have (JSON-LD); may be repeated
    #[arg(long, value_name = "URL=FILE#sha256-HEX", value_parser = ContextFile::parse)]
    pub(crate) context: Vec<ContextFile>,
}

/// With what the wallet's maker vouches for it.
#[derive(Debug, Args)]
pub(crate) struct AttestationArguments {
    /// A client attestation (JWT) with which the wallet's maker vouches for it
    #[arg(long, value_name = "FILE", requires = "client_attestation_key")]
    pub(crate) client_attestation: Option<PathBuf>,
    /// The key that the client attestation is for (PKCS #8, PEM)
    #[arg(long, value_name = "FILE", requires = "client_attestation")]
    pub(crate) client_attestation_key: Option<PathBuf>,
}

/// The key that an issuer has registered for this wallet.
#[derive(Debug, Args)]
pub(crate) struct ClientKeyArguments {
    /// The key that the issuer has registered for this wallet (PKCS #8, PEM): the wallet proves with it
    /// who it is
    #[arg(long, value_name = "FILE")]
    pub(crate) client_key: Option<PathBuf>,
    /// What the issuer calls that key, where it has several
    #[arg(long, value_name = "KID", requires = "client_key")]
    pub(crate) client_key_id: Option<String>,
    /// Sign what is asked for with that key, also where the issuer does not demand it
    #[arg(long, requires = "client_key")]
    pub(crate) sign_request: bool,
}

/// Who vouches for the wallet's keys.
#[derive(Debug, Args)]
pub(crate) struct KeyAttestationArguments {
    /// A program that attests keys: it reads a JSON object, and writes a key attestation (JWT)
    #[arg(long, value_name = "CMD")]
    pub(crate) key_attestation_command: Option<PathBuf>,
}

/// What issuers are held to.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgument {
    /// What the issuer must keep: haip is the high assurance profile, and needs a client attestation
    #[arg(long, value_name = "none|haip", default_value = "none", value_parser = profile)]
    pub(crate) profile: Profile,
}

/// Whether drafts are excused.
#[derive(Debug, Args)]
pub(crate) struct StrictArgument {
    /// Refuse issuers that speak a draft before OpenID4VCI 1.0, or that break what they speak
    #[arg(long, conflicts_with = "strict_draft")]
    pub(crate) strict: bool,
    /// Speak drafts, and refuse issuers that break the draft which they speak: what would be excused ends
    /// it
    #[arg(long)]
    pub(crate) strict_draft: bool,
}

impl StrictArgument {
    /// As it was typed.
    pub(crate) const fn strictness(&self) -> Strictness {
        match (self.strict, self.strict_draft) {
            (true, _) => Strictness::Final,
            (false, true) => Strictness::Draft,
            (false, false) => Strictness::Lenient,
        }
    }
}

/// What a wallet needs to know before it takes an offer.
#[derive(Debug, Args)]
pub(crate) struct ReachArguments {
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    #[command(flatten)]
    pub(crate) attestation: AttestationArguments,
    #[command(flatten)]
    pub(crate) key_attestation: KeyAttestationArguments,
    #[command(flatten)]
    pub(crate) profile: ProfileArgument,
    #[command(flatten)]
    pub(crate) strict: StrictArgument,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// How issuers know this wallet
    #[arg(long, value_name = "CLIENT_ID", default_value = "bestow")]
    pub(crate) client_id: String,
    #[command(flatten)]
    pub(crate) client_key: ClientKeyArguments,
    #[command(flatten)]
    pub(crate) reach: ReachArguments,
    /// Where to listen, on this machine only; else a free port is found
    #[arg(long, value_name = "127.0.0.1:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

const DID_DOCUMENT_EXAMPLES: &str = "\
Examples:
  bestow wallet did-document did:web:holder.example > did.json
  bestow wallet did-document did:web:a.example:people:me KEY_ID KEY_ID
Whoever reads it can tell that these keys are of one holder.";

const REFRESH_EXAMPLES: &str = "\
Examples:
  bestow wallet refresh
  bestow wallet refresh 0123456789ab --trust-anchor ca.pem --allow-host status.example
It fetches whole status lists: the host learns from where and when somebody asks, and not about which
credential. What is known is not asked again while it is fresh.";

#[derive(Debug, Args)]
pub(crate) struct RefreshArguments {
    /// As listed; without it, all
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Ask this host too, where a list is not at its issuer's own; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
    /// Allow plain http, to this machine only
    #[arg(long)]
    pub(crate) allow_http_loopback: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

const RECEIVE_EXAMPLES: &str = "\
Examples:
  bestow wallet receive photo-of-a-letter.jpg
  bestow wallet receive 'openid-credential-offer://?credential_offer_uri=…'
  bestow wallet receive offer.png --tx-code 906016 --trust-anchor ca.pem --yes --json";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct ReceiveArguments {
    /// A link, the file of a picture (PNG, JPEG, SVG), or - for either on standard input
    #[arg(value_name = "OFFER|IMAGE|-")]
    pub(crate) offer: String,
    /// Begin without an offer: OFFER is the issuer's address, and this is what its metadata call the
    /// credential; may be repeated
    #[arg(long, value_name = "CONFIGURATION_ID", conflicts_with = "tx_code")]
    pub(crate) credential: Vec<String>,
    /// The transaction code, where it is known beforehand; else it is asked for
    #[arg(long, value_name = "CODE")]
    pub(crate) tx_code: Option<String>,
    /// Sign in with the issuer, where the offer leaves the choice
    #[arg(long)]
    pub(crate) sign_in: bool,
    /// Sign in here, with the password of this account, where the issuer lets this wallet ask for it
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// A file whose first line is that password; else it is asked for
    #[arg(long, value_name = "FILE", requires = "account")]
    pub(crate) password_file: Option<PathBuf>,
    /// How the issuer knows this wallet
    #[arg(long, value_name = "CLIENT_ID", default_value = "bestow")]
    pub(crate) client_id: String,
    #[command(flatten)]
    pub(crate) client_key: ClientKeyArguments,
    /// The key to bind: a new one, or one of `bestow wallet keys`
    #[arg(long, value_name = "new|KEY_ID", default_value = "new", allow_hyphen_values = true)]
    pub(crate) key: String,
    /// How the credential names the key; the issuer's preference when absent
    #[arg(long, value_name = "jwk|did:jwk|did:key|cose_key", value_parser = binding)]
    pub(crate) binding: Option<BindingMethod>,
    /// Your did:web, in whose document the key stands: see `bestow wallet did-document`
    #[arg(long, value_name = "DID", value_parser = did_web, requires = "key",
        conflicts_with = "binding")]
    pub(crate) did_web: Option<String>,
    /// The algorithm of a new key; the issuer's preference when absent
    #[arg(long, value_name = "ES256|EdDSA", value_parser = algorithm)]
    pub(crate) alg: Option<Algorithm>,
    /// How many copies, each bound to a new key of its own, if the issuer gives so many
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "key",
        value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) batch: u8,
    #[command(flatten)]
    pub(crate) reach: ReachArguments,
    /// Keep the credential although nothing ties its signer to the issuer
    #[arg(long)]
    pub(crate) accept_unverified_issuer: bool,
    /// Allow plain http, to this machine only
    #[arg(long)]
    pub(crate) allow_http_loopback: bool,
    /// Say in which draft the issuer speaks, and what was excused
    #[arg(long)]
    pub(crate) trace: bool,
    /// Do not ask: go to the issuer of the offer and keep what it issues
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct ResumeArguments {
    /// As `bestow wallet pending` lists it; without it, all
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    #[command(flatten)]
    pub(crate) profile: ProfileArgument,
    #[command(flatten)]
    pub(crate) attestation: AttestationArguments,
    #[command(flatten)]
    pub(crate) client_key: ClientKeyArguments,
    /// Keep the credential although nothing ties its signer to the issuer
    #[arg(long)]
    pub(crate) accept_unverified_issuer: bool,
    /// Allow plain http, to this machine only
    #[arg(long)]
    pub(crate) allow_http_loopback: bool,
    /// Say what was excused of the answers
    #[arg(long)]
    pub(crate) trace: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn binding(text: &str) -> Result<BindingMethod, String> {
    let known = BindingMethod::parse(text).filter(|method| *method != BindingMethod::DidWeb);
    known.ok_or_else(|| {
        "one of jwk, did:jwk, did:key and cose_key; a did:web is named with --did-web".to_owned()
    })
}

fn did_web(text: &str) -> Result<String, String> {
    let wanted = || "a did:web, such as did:web:issuer.example or did:web:a.example:people:me";
    is_did_web(text).then(|| text.to_owned()).ok_or_else(|| wanted().to_owned())
}

fn profile(text: &str) -> Result<Profile, String> {
    Profile::parse(text).ok_or_else(|| "one of none and haip".to_owned())
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::parse(text).ok_or_else(|| "one of ES256, EdDSA, ES384, ES512 and ES256K".to_owned())
}

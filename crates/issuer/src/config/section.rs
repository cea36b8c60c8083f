//! The sections of `bestow.toml`; text and defaults here become the reference and the example.

use std::net::SocketAddr;
use std::path::PathBuf;

use formats::status_list::Bits;
use keys::algorithm::Algorithm;
use oid4vci::dpop;
use oid4vci::legacy::Dialect;
use serde::{Deserialize, Serialize};

use super::address::TrustedProxy;
use super::algorithms::Algorithms;

/// One key, for the reference and the example.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What it means.
    pub(super) text: &'static str,
}

/// Makes a struct whose documentation, keys and defaults have one source.
macro_rules! section {
    ($(#[doc = $text:literal])+ $name:ident {
        $($(#[doc = $doc:literal])+ $(#[serde($with:meta)])? $key:ident: $type:ty = $default:expr,)+
    }) => {
        $(#[doc = $text])+
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[doc = $doc])+ $(#[serde($with)])? pub $key: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $name {
            pub(in crate::config) const TEXT: &'static str = concat!($($text),+);
            pub(in crate::config) const KEYS: &'static [$crate::config::section::Key] = &[
                $($crate::config::section::Key {
                    name: stringify!($key),
                    text: concat!($($doc),+),
                },)+
            ];
        }
    };
}
pub(super) use section;

section! {
    /// The public listener.
    Server {
        /// Where to listen. Without it: the port of `url`, on 127.0.0.1 when `url` is on this
        /// machine, else on every address.
        listen: Option<SocketAddr> = None,
        /// `files`: TLS with the two files below. `off`: a reverse proxy ends TLS; only together
        /// with `trusted_proxies`.
        tls: Tls = Tls::Files,
        /// The TLS certificate and what is between it and the root, as PEM. Read again on SIGHUP.
        certificate: PathBuf = PathBuf::from("tls/cert.pem"),
        /// The key of the TLS certificate, as PEM.
        private_key: PathBuf = PathBuf::from("tls/key.pem"),
        /// Addresses (`10.0.0.7`) or networks (`10.0.0.0/8`) of reverse proxies. Only from these
        /// is `X-Forwarded-For` believed.
        trusted_proxies: Vec<TrustedProxy> = Vec::new(),
        /// Longest body of a request, in bytes. A portrait in an application may have 200 000.
        body_bytes_max: usize = 512 * 1024,
        /// How long one request may take, in seconds.
        request_seconds: u64 = 30,
        /// Requests worked on at once, by each listener; more are told to come again.
        requests_at_once: usize = 512,
        /// How long requests may wait for a processor, in milliseconds. While they wait longer, a
        /// part of what begins (offers, metadata, Token Requests, sign-ins, applications) is told to
        /// come again, so that what has begun is finished in time.
        queue_milliseconds: u64 = 50,
        /// Failed requests (wrong codes, links, keys) of one address in a minute, after which it
        /// must wait. Requests that succeed are not counted.
        failures_per_minute: u32 = 600,
        /// Connections at once, in all; fewer where the system allows fewer open files.
        connections_max: usize = 10_000,
        /// Connections at once of one address (of IPv6, of one /64); trusted proxies have no such
        /// bound.
        connections_per_address: usize = 500,
        /// A connection ends when nothing goes in or out for so long, in seconds.
        idle_seconds: u64 = 60,
        /// How long requests under way may take to finish after SIGTERM, in seconds.
        shutdown_seconds: u64 = 30,
    }
}

section! {
    /// The listener for administration: offers, applications, health.
    Admin {
        /// Where to listen. Without it: 127.0.0.1, the port after the public one.
        listen: Option<SocketAddr> = None,
        /// The file with the key that callers send as `Authorization: Bearer KEY`. Without it:
        /// `admin.key` in the folder `keys`.
        key_file: Option<PathBuf> = None,
        /// The TLS certificate of this listener, as PEM. Required unless it listens on this
        /// machine only.
        certificate: Option<PathBuf> = None,
        /// The key of that certificate, as PEM.
        private_key: Option<PathBuf> = None,
    }
}

section! {
    /// Credential Offers.
    Offer {
        /// How long an offer is good, in seconds, when neither the caller nor the credential type
        /// says it.
        expires_in: u32 = 600,
        /// The longest that an offer may be good, in seconds, whoever asks.
        expires_in_max: u32 = 30 * 24 * 60 * 60,
        /// For how many different keys each credential of an offer can be had, at most, in each of
        /// its formats; also the most proofs of one request (`batch_size` of the metadata).
        credentials_per_offer: u32 = 10,
        /// Digits of a transaction code.
        tx_code_length: u8 = 6,
        /// After so many wrong transaction codes the offer is locked.
        tx_code_attempts_max: u32 = 5,
        /// Where the wallet of your holders is reached (`credential_offer_endpoint` of its metadata):
        /// a scheme of its own, as `haip-vci://`, or an address, as `https://wallet.example/offer`.
        /// Links and QR codes then lead to it. Without it: `openid-credential-offer://`, which any
        /// wallet may answer. Offers in drafts stay as they are.
        credential_offer_endpoint: Option<String> = None,
    }
}

section! {
    /// Access Tokens.
    Token {
        /// How long a Bearer token is good, in seconds; at most 300, as nothing binds it to the
        /// wallet.
        expires_in: u32 = 300,
        /// How long a token is good that only the wallet's key can use (see `[dpop]`), in seconds.
        dpop_expires_in: u32 = 300,
    }
}

section! {
    /// Tokens that only the wallet's key can use (DPoP, RFC 9449).
    Dpop {
        /// Whether every token must be bound to a key. With `false`, a wallet that proves no key
        /// gets a Bearer token.
        required: bool = false,
        /// Whether proofs need a nonce of ours. It costs the wallet another request, and takes from
        /// whoever stole its key the proofs that were made for later.
        nonce_required: bool = false,
        /// `dpop_signing_alg_values_supported`: the algorithms of proofs. With an empty list no
        /// token is bound to a key.
        signing_alg_values_supported: Algorithms = Algorithms::from(&dpop::ALGORITHMS[..]),
        /// How far `iat` of a proof without a nonce may be from our clock, in seconds each way.
        window_seconds: u64 = dpop::WINDOW_SECONDS,
    }
}

impl Dpop {
    /// The algorithms of proofs; none when tokens are not bound.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        self.signing_alg_values_supported.as_slice()
    }

    /// Whether tokens can be bound to keys.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.algorithms().is_empty()
    }
}

section! {
    /// Who may ask for a token.
    Authorization {
        /// Whether wallets need not say who they are. With `false`, a Token Request without
        /// `client_id` is refused and the code stays good.
        anonymous_access: bool = true,
        /// Whether wallets must push their request before they send a person here (RFC 9126), as
        /// HAIP asks.
        require_pushed_authorization_requests: bool = false,
        /// How long a wallet can renew its token, and so fetch credentials again, without a new
        /// sign-in, in hours; what the credentials say is kept for as long. `0` gives no refresh
        /// tokens. Offers that are scanned never give one.
        refresh_hours: u32 = 24,
        /// Whether wallets can also be registered with the admin API, while the issuer serves; see
        /// `clients` for those that are files. The pages to sign in are there then, even before the
        /// first one.
        clients_by_api: bool = false,
        /// Requests that one address may push in a minute (RFC 9126).
        pushes_per_minute: u32 = 600,
        /// Failed sign-ins of one address in an hour, after which it must wait, and the same for one
        /// account; each node counts for itself. Those that succeed are not counted, and a browser in
        /// which the account was signed in with before is counted apart: nobody locks its owner out
        /// there. A `first_party` wallet has no such browser, and may have to wait.
        failed_sign_ins_per_hour: u32 = 30,
        /// Files of those who may vouch for wallets (client attestations): certificates as PEM at
        /// which the chain of an attestation ends, or a JWK Set of their keys. Who is not named is
        /// not trusted; with an empty list attestations are not looked at.
        client_attestation_trust_anchors: Vec<PathBuf> = Vec::new(),
        /// Whether only wallets with such an attestation get a token.
        client_attestation_required: bool = false,
        /// Whether the wallet's proof beside its attestation needs a challenge of ours, which it
        /// gets at the `challenge_endpoint`.
        client_attestation_challenge_required: bool = true,
        /// Certificates (PEM) of authorities beside the machine's, for the servers at which the
        /// status lists of attestations are: whoever attests may withdraw.
        attestation_status_ca: Option<PathBuf> = None,
    }
}

section! {
    /// Proofs of the holder's key.
    Proof {
        /// How far `iat` of a proof may be from our clock, in seconds each way; at least 120.
        window_seconds: u64 = 300,
        /// Certificates (PEM) of authorities beside the machine's, for the websites at which holders
        /// publish the document of their `did:web`. They are asked only for credential types that
        /// name `did:web` in `binding_methods`.
        did_web_ca: Option<PathBuf> = None,
        /// Whether these websites may be on this machine or in a private network. With `true`, whoever
        /// may ask for a credential can make the issuer knock there; for trials, and where nothing
        /// else is within its reach.
        did_web_private_addresses: bool = false,
    }
}

section! {
    /// Credentials of types with `approval = "deferred"`, which wait once a wallet has asked for them.
    Deferred {
        /// After how many seconds a wallet may ask again.
        interval: u32 = 60,
        /// How long one waits for an officer, and then for its wallet, in days.
        keep_days: u32 = 30,
    }
}

section! {
    /// What wallets tell of the credentials that they got.
    Notification {
        /// Whether wallets are asked to tell.
        enabled: bool = true,
    }
}

section! {
    /// Concessions to wallets that follow drafts.
    Compatibility {
        /// Whether the single `proof` of the drafts is taken where 1.0 asks for `proofs`.
        single_proof: bool = true,
    }
}

section! {
    /// Drafts of OpenID4VCI, for wallets that do not speak 1.0.
    Legacy {
        /// Drafts in which offers can be made: `"8"`, `"9"`, `"11"` (which 10 is too), `"12"`,
        /// `"13"`, `"14"`, `"15"`. Each has an identifier of its own, `draft-13` and so on below
        /// `url`, with metadata and endpoints; those of 1.0 stay as they are. From
        /// `"12"` on responses can be encrypted beside TLS, requests never: `response = "required"`
        /// in `[encryption]` allows those alone, `request = "required"` and `profile = "haip"` none.
        #[serde(deserialize_with = "super::drafts::listed")]
        drafts: Vec<Dialect> = Vec::new(),
        /// The draft in which the portal makes its offers: one of `drafts`. A type that it has no
        /// words for is offered in 1.0. Without it: 1.0.
        portal: Option<Dialect> = None,
        /// Whether the offers, metadata and endpoints of 1.0 are for wallets of drafts 13 to 15, too,
        /// so that one QR code is for all of them: with a nonce in the token response, `display` in
        /// the metadata where these drafts have it, and answers in the words of the question. What
        /// an officer approves only once the wallet has asked is left out: its offers are for 1.0,
        /// or made in one of `drafts`. Some wallets of draft 13 stop where any type has a format
        /// that is younger, as `dc+sd-jwt`. `"required"` in `[encryption]` and `profile = "haip"` rule it
        /// out.
        shared: bool = false,
    }
}

section! {
    /// What the next version of OpenID4VCI, 1.1, adds to answers. Its text is a draft; wallets that
    /// know 1.0 only may not know what to do with the first.
    Openid4vci11 {
        /// Whether a wrong transaction code is told as `invalid_tx_code`, so that a wallet knows
        /// which of the two codes to ask for again. With `false` it is `invalid_grant`, as in 1.0.
        invalid_tx_code: bool = false,
        /// Whether each credential comes with its labels and looks (`credential_metadata`), which
        /// then count for more than those that the issuer publishes.
        credential_metadata: bool = false,
    }
}

section! {
    /// The web pages where people apply.
    Portal {
        /// Whether there are such pages.
        enabled: bool = true,
        /// Where people get help, such as a telephone number; printed on letters and pages.
        help_line: String = String::new(),
        /// Applications that one address may send in an hour.
        applications_per_hour: u32 = 20,
        /// Pages that one address may open in a minute.
        pages_per_minute: u32 = 120,
    }
}

section! {
    /// How long personal data is kept.
    Retention {
        /// How long the claims of an offer are kept once nobody can use it any more, in hours.
        claims_hours: u32 = 24,
        /// How long an application is kept, in days.
        applications_days: u32 = 90,
        /// How long an offer is kept once nobody can use it any more, in days; at least as long as
        /// an application.
        offers_days: u32 = 90,
        /// How long the record of what was issued (type, time, thumbprint of the holder's key; no
        /// claims) is kept, in days.
        issuances_days: u32 = 3_650,
    }
}

section! {
    /// Status lists: where verifiers see which credentials are revoked or suspended.
    Status {
        /// Whether new credentials have an entry in a status list. Lists that were begun stay
        /// where they are.
        enabled: bool = true,
        /// Entries of one list; when all are given out, another list begins. What is long hides a
        /// credential among more others.
        size: u64 = 1 << 20,
        /// `1`: valid or revoked. `2`: also suspended.
        bits: u8 = 2,
        /// After how many seconds a verifier asks for a list again: how old a status may be.
        ttl: u64 = 300,
        /// How long a signed list may be relied on, in seconds, when no newer one can be had.
        expires_in: u64 = 12 * 60 * 60,
    }
}

impl Status {
    /// The size of an entry.
    #[must_use]
    pub const fn list_bits(&self) -> Bits {
        if self.bits == 1 { Bits::One } else { Bits::Two }
    }
}

section! {
    /// How keys are replaced: `bestow issuer keys rotate`.
    Rotation {
        /// How long a new key is known before it is in use, in seconds: as long as wallets and
        /// verifiers keep what they know of keys, and as the operator needs to copy the folder
        /// `keys` to every node.
        lead_seconds: u64 = 24 * 60 * 60,
    }
}

section! {
    /// What is logged, to standard error.
    Log {
        /// `text` for people, `json` for machines.
        format: LogFormat = LogFormat::Text,
        /// `error`, `warn`, `info`, `debug` or `trace`. No level logs secrets or claims.
        level: LogLevel = LogLevel::Info,
    }
}

/// Who ends TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// We, with a certificate from files.
    Files,
    /// A reverse proxy.
    Off,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What is worth a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What broke.
    Error,
    /// What will break.
    Warn,
    /// What happened.
    Info,
    /// How it happened.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

//! The wallet: takes a Credential Offer, gets the credential, checks it, keeps it.
//!
//! A library first: network, store, clock and random numbers are handed in, nothing is printed and
//! nobody is asked, so that a command line, a local page and a phone app share one core. Each step
//! takes the value that the step before made, and none can be left out:
//!
//! ```text
//! ScannedOffer --fetch_offer--> FetchedOffer --describe_offer--> DescribedOffer
//!     --resolve_offer--> ResolvedOffer --request_token--> Authorized
//!                        ResolvedOffer --begin_sign_in--> SignIn --finish_sign_in--> Authorized
//!     --request_credentials--> Received --keep--> StoredCredential
//! ```
//!
//! | Step of the flow | Module |
//! |---|---|
//! | 4-5 scan, agree, read the offer | [`flow::offer`] |
//! | 6 the issuer's metadata | [`flow::metadata`], `flow::signed_metadata` |
//! | 7 the holder's key | [`flow::key`] |
//! | 8 the holder signs in, where the offer asks for it | [`flow::sign_in`] |
//! | 8 the same without a browser, at an issuer whose own wallet it is | [`flow::challenge`] |
//! | 8-11 the token, and what is proved for it | [`flow::token`], `flow::sender`, [`attestation`], [`client_key`] |
//! | 12-14 nonce, proof, request | [`flow::nonce`], [`flow::proof`], [`flow::credential`] |
//! | 6-19 what issuers are held to beside OpenID4VCI | [`profile`] |
//! | between the steps: going on in another process | [`flow::state`] |
//! | 18 what comes later is fetched then | [`flow::deferred`], `flow::renewal` |
//! | 19 is it what was asked for, and from whom | [`flow::check`], [`trust`] |
//! | 19 keep it | [`flow::receipt`], [`store`] |
//! | 19 the issuer is told | [`flow::notification`] |
//! | 20 show it | [`card`], [`display`], [`svg_templates`] |
//! | later: is it still good | [`status`] |
//!
//! [`verify`] tells what can be said of something signed, for whoever holds no wallet.

pub mod attestation;
pub mod card;
pub mod client;
pub mod client_key;
mod did_document;
pub mod display;
pub mod documents;
pub mod error;
pub mod flow;
pub mod http;
pub mod profile;
mod reader;
pub mod status;
pub mod store;
pub mod svg_templates;
pub mod trust;
mod type_metadata;
pub mod verify;

use std::sync::Arc;

use formats::data_integrity::Contexts;
use keys::outside::{Clock, Random};
use keys::x509::Anchors;

use crate::attestation::{AttestationSource, KeyAttestationSource};
use crate::client_key::ClientKey;
use crate::documents::Documents;
use crate::flow::dialect::Strictness;
use crate::http::Http;
use crate::profile::Profile;
use crate::reader::Reader;
use crate::store::Store;

/// A wallet: what it reaches, and what its owner set. The steps of the flow are its methods.
#[derive(Clone, Debug)]
pub struct Wallet {
    /// The way to the network.
    pub http: Arc<dyn Http>,
    /// Where keys and credentials are kept.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws names of records.
    pub random: Arc<dyn Random>,
    /// What its owner set.
    pub settings: Settings,
}

impl Wallet {
    /// What it takes to read what others publish.
    pub(crate) fn reader(&self) -> Reader<'_> {
        let Self { http, clock, settings, .. } = self;
        Reader { http: &**http, clock: &**clock, settings, given_keys: None }
    }
}

/// What the owner of a wallet can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose certificates vouch for issuers; `None` when the owner trusts no such authority.
    pub anchors: Option<Arc<Anchors>>,
    /// Plain `http`, but to this machine only.
    pub allow_http_loopback: bool,
    /// Sent to issuers that refuse anonymous wallets (TOKEN-08), and where the holder signs in.
    pub client_id: String,
    /// The key that servers know for that `client_id`; `None` for a wallet that has no secret of its own.
    pub client_key: Option<ClientKey>,
    /// Whether to sign in where the offer leaves the choice.
    pub prefers_sign_in: bool,
    /// The language of names and labels (BCP 47).
    pub locale: String,
    /// Who vouches for this wallet, where issuers ask for that; `None` when nobody does.
    pub attestation_source: Option<Arc<dyn AttestationSource>>,
    /// What issuers must keep beside OpenID4VCI.
    pub profile: Profile,
    /// Whether issuers that speak a draft, or break what they speak, are refused.
    pub strictness: Strictness,
    /// Who vouches for its keys, where issuers ask for that (VCI §D); `None` when nobody does.
    pub key_attestation_source: Option<Arc<dyn KeyAttestationSource>>,
    /// Where documents are kept that are known by their digests; `None` keeps none.
    pub documents: Option<Arc<dyn Documents>>,
    /// What gives the words of linked data a meaning, beside what the library has.
    pub contexts: Contexts,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            anchors: None,
            allow_http_loopback: false,
            client_id: "bestow".to_owned(),
            client_key: None,
            prefers_sign_in: false,
            locale: "en".to_owned(),
            attestation_source: None,
            profile: Profile::None,
            strictness: Strictness::Lenient,
            key_attestation_source: None,
            documents: None,
            contexts: Contexts::default(),
        }
    }
}

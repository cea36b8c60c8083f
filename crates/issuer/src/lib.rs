//! The Issuer: the service that an organisation runs.
//!
//! | What | Where |
//! |---|---|
//! | the twenty steps, on the issuer's side | [`flow`] |
//! | route tables and thin handlers | [`http`], [`portal`] |
//! | what must be on disk | [`store`] |
//! | who can sign in, and what is kept of a password | [`account`] |
//! | status lists: who gets which entry, what is served | [`status`] |
//! | what an operator writes | [`config`], [`credential_type`] |

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use keys::did;
use keys::digest::MacKey;
use keys::jwe::DecryptionKey;
use keys::outside::{Clock, Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::Signer;
use keys::x509::Certificate;
use oid4vci::attestation::Attesters;
use oid4vci::client::Client;
use oid4vci::encryption::EncryptionPolicy;
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use oid4vci::secret::OfferReference;
use tokio::sync::watch;
use url::Url;

use crate::attestation_lists::AttestationLists;
use crate::config::Config;
use crate::credential_type::CredentialType;
use crate::did_documents::DidDocuments;
use crate::external::External;
use crate::generations::{CurrentKeys, Generations, KeyPurpose};
use crate::issue::SdJwtHeaders;
use crate::provider::Provider;
use crate::status::StatusLists;
use crate::store::{Store, StoreError};

pub mod account;
pub mod application;
pub mod attestation_lists;
pub mod config;
mod connection;
pub mod credential_type;
pub mod did_documents;
pub mod external;
pub mod failure;
pub mod flow;
pub mod generations;
pub mod http;
pub mod init;
pub mod issue;
pub mod letter;
mod network;
pub mod offering;
mod open;
mod outgoing;
mod places;
pub mod portal;
pub mod provider;
pub mod secret;
pub mod server;
pub mod status;
pub mod store;
pub mod tx_code_command;

pub use crate::open::{OpenError, check_database};

/// Everything a step needs from outside.
#[derive(Debug)]
pub struct Issuer {
    /// What the operator said.
    pub config: Config,
    /// What can be issued, by Credential Configuration Identifier.
    pub types: BTreeMap<String, CredentialType>,
    /// Who may send people here to sign in, by `client_id`, as files say it.
    pub clients: BTreeMap<String, Client>,
    /// Where people can sign in elsewhere; `None` when they cannot.
    pub provider: Option<Provider>,
    /// Who else gives Access Tokens for us; `None` when we alone do.
    pub external: Option<External>,
    /// The database that the operator configured.
    pub store: Box<dyn Store>,
    /// Tells the time.
    pub clock: Box<dyn Clock>,
    /// Draws codes, tokens and ids.
    pub random: Arc<dyn Random>,
    /// What the issuer signs and keys with: see [`Issuer::keys`].
    current_keys: CurrentKeys,
    /// Who may vouch for wallets; `None` when their attestations are not looked at.
    pub client_attesters: Option<Attesters>,
    /// The status lists of those who attest; `None` where nobody does.
    pub attestation_lists: Option<AttestationLists>,
    /// The documents of holders' did:web; `None` where no type is bound to one.
    pub did_documents: Option<DidDocuments>,
    /// What of Credential Requests and Responses is encrypted, and how.
    pub encryption: EncryptionPolicy,
    /// Which entries of status lists credentials get, and what is served of the lists.
    pub status_lists: StatusLists,
    /// Becomes `true` when the server is to end: what waits for news stops waiting.
    pub ending: watch::Sender<bool>,
    /// Whether there is time for more.
    pub(crate) load: http::load::Load,
}

/// What the issuer signs and keys with.
#[derive(Debug)]
pub struct IssuerKeys {
    /// Signs credentials.
    pub signing: SigningKey,
    /// What verifiers find of the keys that signed, sign and will sign; the present one first.
    pub published: Vec<PublishedKey>,
    /// Those for credentials whose disclosures cannot be linked.
    pub bbs: BbsKeys,
    /// Makes references and codes of offers.
    pub offer: MacKey,
    /// Makes Transaction Codes and keys their digests.
    pub tx_code: MacKey,
    /// Keys nonces.
    pub nonce: MacKey,
    /// Keys the tokens that guard the portal's forms.
    pub form: MacKey,
    /// Opens requests: first the key that metadata name, then those that they named or will name.
    pub encryption: Vec<DecryptionKey>,
    /// Opens the admin API.
    pub admin: secret::AdminKey,
    /// When another generation comes into use.
    pub change_at: Option<Timestamp>,
    /// All of them, as the manifest says.
    pub generations: Generations,
}

/// Keys of BLS12-381; an issuer without a type by `bbs-2023` has none.
#[derive(Debug, Default)]
pub struct BbsKeys {
    /// Signs.
    #[cfg(feature = "bbs-2023")]
    pub signing: Option<keys::bbs::BbsKey>,
    /// What verifiers find of the keys that signed, sign and will sign, as Multikeys: each is named by
    /// its text.
    pub published: Vec<String>,
}

/// The public half of a key that signs credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its name in our JWK Set.
    pub kid: String,
    /// The key.
    pub public_key: PublicKey,
}

impl PublishedKey {
    pub(crate) fn of(public_key: PublicKey) -> Self {
        Self { kid: Self::kid_of(&public_key), public_key }
    }

    /// A key is named by its thumbprint.
    pub(crate) fn kid_of(public_key: &PublicKey) -> String {
        public_key.thumbprint().to_string()
    }
}

impl IssuerKeys {
    /// Which generations are in use, for the log.
    #[must_use]
    pub fn in_use(&self, now: Timestamp) -> String {
        let number = |purpose| {
            let active = self.generations.active(purpose, now)?;
            Some(format!("{purpose} {}", active.number))
        };
        KeyPurpose::ALL.into_iter().filter_map(number).collect::<Vec<_>>().join(", ")
    }
}

/// A key that signs credentials, and how verifiers find it.
#[derive(Debug)]
pub struct SigningKey {
    /// The key itself, or the way to it.
    pub signer: Box<dyn Signer>,
    /// Its certificate and those above, without the anchor (HAIP-46).
    pub x5c: Vec<Vec<u8>>,
    /// The first of these, read.
    pub certificate: Certificate,
    /// Its name in our JWK Set.
    pub kid: String,
    headers: SdJwtHeaders,
}

impl Issuer {
    /// The Credential Issuer Identifier, exactly as it stands in metadata and proofs (META-12).
    #[must_use]
    pub fn credential_issuer(&self) -> &str {
        self.config.url.as_str()
    }

    /// The Credential Issuer Identifier that a draft has for itself; without a draft, that of 1.0.
    #[must_use]
    pub fn identifier(&self, dialect: Option<Dialect>) -> Cow<'_, str> {
        let own = self.credential_issuer();
        match dialect {
            None => Cow::Borrowed(own),
            Some(dialect) => Cow::Owned(format!("{own}/draft-{dialect}")),
        }
    }

    /// The offer of this id, for a request in the words in which it was made; to one in the words of
    /// another draft, or of 1.0, there is no such offer, code or token.
    pub(crate) async fn grant(
        &self,
        id: OfferId,
        dialect: Option<Dialect>,
    ) -> Result<Option<Grant>, StoreError> {
        Ok(self.store.grant(id).await?.filter(|grant| grant.dialect == dialect))
    }

    /// Whether wallets can send people here: somebody is registered for it, or could be.
    #[must_use]
    pub fn has_code_flow(&self) -> bool {
        !self.clients.is_empty() || self.config.authorization.clients_by_api
    }

    /// Whether a wallet of the operator's own may ask for passwords itself (First-Party Apps §8).
    #[must_use]
    pub fn has_first_party(&self) -> bool {
        self.clients.values().any(|client| client.is_first_party)
    }

    /// Whether offers in this draft are served; those of 1.0 always are.
    #[must_use]
    pub fn speaks(&self, dialect: Option<Dialect>) -> bool {
        dialect.is_none_or(|dialect| self.config.legacy.drafts.contains(&dialect))
    }

    /// How offers name us as the server for their codes: not at all when there is no other
    /// (OFFER-13), and never in a draft.
    #[must_use]
    pub fn named_server(&self, dialect: Option<Dialect>) -> Option<&str> {
        let has_other = self.external.is_some() && dialect.is_none();
        has_other.then(|| self.credential_issuer())
    }

    /// The URL of an endpoint; made from the configured identifier alone, never from a request (G09).
    #[must_use]
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/{name}", self.credential_issuer())
    }

    /// The did:web of the same website, for proofs that need a name for their keys.
    #[must_use]
    pub fn did(&self) -> String {
        did_of(self.credential_issuer())
    }

    /// Where an offer can be fetched (OFFER-03).
    #[must_use]
    pub fn offer_uri(&self, reference: &OfferReference) -> String {
        self.endpoint(&format!("offers/{}", reference.expose()))
    }

    /// Most distinct keys of one configuration of an offer, and most proofs of one request.
    #[must_use]
    pub fn credentials_per_offer(&self) -> usize {
        usize::try_from(self.config.offer.credentials_per_offer).unwrap_or(usize::MAX)
    }
}

/// The did:web of a Credential Issuer Identifier, which always has a host.
fn did_of(credential_issuer: &str) -> String {
    let website = Url::parse(credential_issuer).ok();
    website.as_ref().and_then(did::to_did_web).unwrap_or_default()
}

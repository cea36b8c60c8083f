//! Storage of the Issuer: a method is a step of the protocol, committed before anybody is answered.
//!
//! Every engine keeps to the text of this trait; `testkit::contract` holds them to it. Nothing in
//! it asks for more than one conditional statement on one offer or one application, so that it fits
//! SQLite, PostgreSQL and what is compatible with that. Times and ids come from the caller.

use std::fmt;

use async_trait::async_trait;
use keys::outside::Timestamp;
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, OfferState, Redemption, StatusEntry};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;
use oid4vci::secret::SecretDigest;
use serde_json::{Map, Value};

use crate::application::{Application, ApplicationId, ApplicationState};

pub use engine::{migrate, open, schema, warnings};
pub use schema::Schema;

pub mod authorization;
pub mod client;
mod columns;
pub mod deferral;
mod engine;
pub mod external;
pub mod held;
pub mod postgres;
mod schema;
pub mod sqlite;
pub mod status;
pub mod transfer;

/// Storage of the Issuer, chosen at run time.
#[async_trait]
pub trait Store:
    status::StatusStore
    + authorization::AuthorizationStore
    + deferral::DeferralStore
    + client::ClientStore
    + external::ExternalStore
    + held::HeldStore
    + fmt::Debug
    + Send
    + Sync
{
    /// Records a Credential Offer before anybody sees it.
    async fn open_offer(&self, offer: NewOffer) -> Result<Opened, StoreError>;

    /// Reads one offer, in whatever state it is; writes nothing.
    async fn grant(&self, id: OfferId) -> Result<Option<Grant>, StoreError>;

    /// Reads the datasets of one offer; `None` when there is no such offer or they were purged.
    async fn datasets(&self, id: OfferId) -> Result<Option<Map<String, Value>>, StoreError>;

    /// Notes the first time that the offer was fetched; later ones change nothing (A15).
    async fn note_fetched(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError>;

    /// Spends the code and records its token: a code yields one token (VCI §13.6.1, SEC-07).
    ///
    /// Holds only while the offer is as it was `seen`: not redeemed, not withdrawn, not expired at
    /// `redemption.at`, no further wrong Transaction Code.
    async fn redeem(&self, seen: &Grant, redemption: &Redemption) -> Result<bool, StoreError>;

    /// The same for a sender that proved a key: the code and its proofs are spent, both or neither
    /// (RFC 9449 §11.1).
    async fn redeem_proved(
        &self,
        seen: &Grant,
        redemption: &Redemption,
        used: &[UsedJti],
    ) -> Result<Redeemed, StoreError>;

    /// Gives another token for a code whose first answer may have been lost; the token that was
    /// `seen` ends in the same moment, and the proofs are spent with it.
    ///
    /// Holds only while that token is the offer's token, nothing was issued, and the offer was not
    /// withdrawn.
    async fn redeem_again(
        &self,
        seen: &Grant,
        redemption: &Redemption,
        used: &[UsedJti],
    ) -> Result<Redeemed, StoreError>;

    /// Counts one wrong Transaction Code; racing guesses count one by one (VCI §13.6.3).
    async fn count_wrong_tx_code(&self, seen: &Grant) -> Result<bool, StoreError>;

    /// Records what is about to be issued and spends the nonces of its proofs, and the DPoP proof
    /// beside the token: all or nothing.
    /// `entries` has the place of each credential in a status list, or nothing.
    async fn record_issuance(
        &self,
        record: &Record<'_>,
        nonces: &[SpendableNonce],
        entries: &[StatusEntry],
        now: Timestamp,
    ) -> Result<Recorded, StoreError>;

    /// Takes an offer back, and with it its token; `false` when a credential was issued from it, or
    /// it was taken back before.
    async fn withdraw_offer(&self, id: OfferId, now: Timestamp) -> Result<bool, StoreError>;

    /// Lists offers, newest first.
    async fn offers(&self, page: OfferPage) -> Result<Vec<Grant>, StoreError>;

    /// Records an application before the applicant is told.
    async fn open_application(&self, application: Application) -> Result<(), StoreError>;

    /// Reads one application.
    async fn application(&self, id: ApplicationId) -> Result<Option<Application>, StoreError>;

    /// Lists applications, oldest first: the first that waits is the first to be decided.
    async fn applications(&self, page: ApplicationPage) -> Result<Vec<Application>, StoreError>;

    /// Decides an application that is still as it was `seen`.
    async fn decide_application(
        &self,
        seen: &Application,
        state: ApplicationState,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes some of what nobody needs any more (PRIV-03), at most `limit` rows of each kind, and
    /// says how many it removed: spent nonces past their life, old `Idempotency-Key`s, the claims
    /// of offers that can no longer be issued, applications decided or left for long, and long
    /// after that the offers and the records of what was issued. It reads no more than it removes,
    /// whatever stays.
    async fn purge(&self, before: &PurgeBefore, limit: u32) -> Result<u64, StoreError>;

    /// Writes, as a step would, and fails when the engine cannot be written to.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Stands where the digest of a token stood that was ended: no token has it. To set its expiry would
/// not do, as what was put off outlives that.
const ENDED: [u8; 32] = [0xff; 32];

/// A Credential Offer on its way into the store.
#[derive(Debug)]
pub struct NewOffer {
    /// As it will be read back.
    pub grant: Grant,
    /// What the credentials will say: an object of claims for each configuration, under its id.
    pub datasets: Map<String, Value>,
    /// Makes a repeated request find the first offer instead of making a second (P13).
    pub idempotency: Option<Idempotency>,
    /// The application it answers, and the offer that it replaces there: that one is withdrawn, and
    /// its wrong Transaction Codes count on, so that a fresh offer gives nobody more guesses.
    pub application: Option<(ApplicationId, Option<OfferId>)>,
    /// Digest of the `issuer_state` of an offer that can be taken by signing in.
    pub issuer_state: Option<SecretDigest>,
    /// The only account that can take it by signing in; `None` for any.
    pub for_account: Option<String>,
}

/// A request that may come twice.
#[derive(Clone, Copy, Debug)]
pub struct Idempotency {
    /// Of the key the caller chose.
    pub key_digest: SecretDigest,
    /// Of what was asked, so that one key cannot mean two things.
    pub request_digest: SecretDigest,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
}

/// What became of a [`NewOffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is on disk.
    Opened,
    /// The `Idempotency-Key` was used before, for this offer and this request.
    Repeated(OfferId, SecretDigest),
    /// The application has another offer by now.
    Replaced,
}

/// What became of a code whose sender proved a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// Its token is on disk.
    Redeemed,
    /// The offer is no longer as it was read: read again and decide again.
    Changed,
    /// A proof came before; nothing was written.
    Replayed,
}

/// What became of an issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is on disk; now it may be signed.
    Recorded,
    /// The offer is no longer as it was read: read again and decide again.
    Changed,
    /// A nonce was spent before; nothing was written.
    NonceSpent,
    /// The DPoP proof came before; nothing was written.
    Replayed,
}

/// Which offers to list.
#[derive(Clone, Debug)]
pub struct OfferPage {
    /// Only those in this state.
    pub state: Option<OfferState>,
    /// Only those made before this one.
    pub after: Option<OfferId>,
    /// At most so many.
    pub limit: u32,
    /// For states that follow from the time.
    pub now: Timestamp,
    /// For states that follow from wrong Transaction Codes.
    pub attempts_max: u32,
}

/// Which applications to list.
#[derive(Clone, Debug)]
pub struct ApplicationPage {
    /// Only those in this state.
    pub state: Option<ApplicationState>,
    /// Only those made after this one.
    pub after: Option<ApplicationId>,
    /// At most so many.
    pub limit: u32,
}

/// What is old enough to go.
#[derive(Clone, Copy, Debug)]
pub struct PurgeBefore {
    /// Now: what has an expiry of its own goes then.
    pub now: Timestamp,
    /// Offers whose code and token are dead since this time lose their claims.
    pub claims: Timestamp,
    /// Applications from before this time go.
    pub applications: Timestamp,
    /// Offers whose code and token are dead since this time go.
    pub offers: Timestamp,
    /// Records of issuances from offers of before this time go.
    pub issuances: Timestamp,
}

/// The engine failed; the text is for our log only.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// It takes nothing now (overload, a full disk, a lost connection), and nothing was written: the
    /// same step may succeed later.
    Unavailable(String),
    /// It went away with the step in hand: whether that was written shows only when it is back. The
    /// same step may be tried again; what it spends may be spent.
    InDoubt(String),
    /// Something is wrong that does not pass by itself.
    Broken(String),
}

impl StoreError {
    /// What the engine says.
    pub(crate) fn text(&self) -> &str {
        let (Self::Unavailable(text) | Self::InDoubt(text) | Self::Broken(text)) = self;
        text
    }

    /// What it means for a step that only reads, or had not begun.
    pub(crate) fn with_nothing_written(&self) -> Self {
        match self {
            Self::InDoubt(text) => Self::Unavailable(text.clone()),
            Self::Unavailable(_) | Self::Broken(_) => self.clone(),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(text) => write!(f, "the store takes nothing now: {text}"),
            Self::InDoubt(text) => write!(f, "the store went away: {text}"),
            Self::Broken(text) => write!(f, "the store failed: {text}"),
        }
    }
}

impl std::error::Error for StoreError {}

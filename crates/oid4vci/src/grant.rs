//! What the Issuer knows of one Credential Offer, and the state that follows from it.

use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use serde::Serialize;

use crate::legacy::Dialect;
use crate::notification::Event;
use crate::offer::OfferId;
use crate::secret::{SecretDigest, TxCodeDigest};

/// One Credential Offer as the Issuer has read it: all that the rules need, no personal data.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The only name of the offer that may be logged.
    pub id: OfferId,
    /// Which Credential Configurations were offered.
    pub credential_configuration_ids: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first second in which the code is dead.
    pub expires_at: Timestamp,
    /// Of the reference in `credential_offer_uri`.
    pub reference_digest: SecretDigest,
    /// Of the Pre-Authorized Code.
    pub code_digest: SecretDigest,
    /// Set when the offer asks for a Transaction Code.
    pub tx_code_digest: Option<TxCodeDigest>,
    /// Wrong Transaction Codes so far.
    pub attempts: u32,
    /// Set once the offer was fetched by reference.
    pub fetched_at: Option<Timestamp>,
    /// Set once the Issuer took the offer back.
    pub withdrawn_at: Option<Timestamp>,
    /// Until when something may be issued that waits for an officer (VCI §9); `None` when nothing
    /// waits.
    pub deferred_until: Option<Timestamp>,
    /// Set once the code has become a token.
    pub redemption: Option<Redemption>,
    /// What was recorded as issued, oldest first.
    pub issued: Vec<Issued>,
    /// Whether an [`crate::authorization::Authorization`] stands beside it.
    pub signs_in: bool,
    /// The draft that it was made in: code and token are good at that draft's identifier alone.
    pub dialect: Option<Dialect>,
}

/// The token that a code became.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// When the code was spent.
    pub at: Timestamp,
    /// Of the Access Token.
    pub token_digest: SecretDigest,
    /// The first second in which the token is dead.
    pub token_expires_at: Timestamp,
    /// What the token is good for: all that was offered, or what the Wallet chose (TOKEN-15).
    pub credential_configuration_ids: Vec<String>,
    /// Whether `credential_identifiers` were returned, so that requests must use them (CRED-03).
    pub by_identifier: bool,
    /// `client_id` of the Token Request; `None` for an anonymous Wallet.
    pub client_id: Option<String>,
    /// The key that the token is bound to; `None` for a Bearer token (RFC 9449 §6.1).
    pub bound_to: Option<Thumbprint>,
    /// The key of the attested instance of a Wallet that redeemed the code, if one did (VCI §E).
    pub client_key: Option<Thumbprint>,
}

/// One recorded issuance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Which configuration.
    pub credential_configuration_id: String,
    /// Of the holder's key; `None` for a credential that is bound to no key.
    pub thumbprint: Option<Thumbprint>,
    /// When it was recorded, which is before it was signed.
    pub at: Timestamp,
    /// Where its status is; `None` for a credential in no status list.
    pub entry: Option<StatusEntry>,
    /// What the Wallet last said became of it, and when (VCI §11); `None` when it said nothing.
    pub notified: Option<(Event, Timestamp)>,
}

/// One entry of one status list, which no two credentials share (HAIP-45).
#[derive(Clone, Copy, Debug, Default, Hash, Eq, Ord, PartialEq, PartialOrd)]
pub struct StatusEntry {
    /// The number of the list.
    pub list: u64,
    /// The entry, counted from 0.
    pub idx: u64,
}

impl Grant {
    /// An offer that nobody has seen: no Transaction Code, nothing happened yet.
    #[must_use]
    pub const fn fresh(
        id: OfferId,
        credential_configuration_ids: Vec<String>,
        (created_at, expires_at): (Timestamp, Timestamp),
        (reference_digest, code_digest): (SecretDigest, SecretDigest),
    ) -> Self {
        Self {
            id,
            credential_configuration_ids,
            created_at,
            expires_at,
            reference_digest,
            code_digest,
            tx_code_digest: None,
            attempts: 0,
            fetched_at: None,
            withdrawn_at: None,
            deferred_until: None,
            redemption: None,
            issued: Vec::new(),
            signs_in: false,
            dialect: None,
        }
    }

    /// Where the offer stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp, attempts_max: u32) -> OfferState {
        let token_alive = self.redemption.as_ref().map(|token| now < token.token_expires_at);
        match token_alive {
            _ if !self.issued.is_empty() => OfferState::Issued,
            _ if self.withdrawn_at.is_some() => OfferState::Withdrawn,
            _ if self.deferred_until.is_some_and(|until| now < until) => OfferState::Deferred,
            Some(true) => OfferState::Redeemed,
            Some(false) => OfferState::Expired,
            None if self.attempts >= attempts_max => OfferState::Locked,
            None if now >= self.expires_at => OfferState::Expired,
            None if self.fetched_at.is_some() => OfferState::Fetched,
            None => OfferState::Created,
        }
    }
}

/// The life of a Credential Offer, as operators and holders see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OfferState {
    /// Made, and not yet looked at.
    Created,
    /// A Wallet, or anything else that opens links, has read it.
    Fetched,
    /// The code became a token that is still good.
    Redeemed,
    /// A credential was asked for and waits for an officer (VCI §9).
    Deferred,
    /// At least one credential was issued.
    Issued,
    /// Too many wrong Transaction Codes (VCI §13.6.3).
    Locked,
    /// Too late.
    Expired,
    /// Taken back by the Issuer.
    Withdrawn,
}

impl OfferState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Fetched => "fetched",
            Self::Redeemed => "redeemed",
            Self::Deferred => "deferred",
            Self::Issued => "issued",
            Self::Locked => "locked",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Fetched,
        Self::Redeemed,
        Self::Deferred,
        Self::Issued,
        Self::Locked,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// Reads the word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the code can still become a token.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Fetched)
    }
}

//! Step 1: what a holder applied for, and how far it got (VCI §3.5).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::sha256;
use keys::outside::{Random, Timestamp};
use oid4vci::grant::OfferState;
use oid4vci::offer::OfferId;
use oid4vci::secret::SecretDigest;
use serde_json::{Map, Value};

use crate::credential_type::Approval;

/// Names one application; made and printed like the id of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId(pub OfferId);

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One application as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// Grows with time.
    pub id: ApplicationId,
    /// Of the secret in the applicant's link.
    pub secret_digest: SecretDigest,
    /// What was applied for.
    pub credential_configuration_id: String,
    /// What the applicant wrote, checked against the credential type.
    pub claims: Map<String, Value>,
    /// What the officer said.
    pub state: ApplicationState,
    /// When it came in.
    pub created_at: Timestamp,
    /// When it was last decided.
    pub decided_at: Option<Timestamp>,
    /// How often it was approved; each time makes a new Transaction Code.
    pub approvals: u32,
    /// The offer that the applicant was last shown.
    pub offer_id: Option<OfferId>,
}

/// What the officer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationState {
    /// Nothing yet.
    Waiting,
    /// Yes: the applicant may have an offer.
    Approved,
    /// No.
    Rejected,
}

impl ApplicationState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Approved, Self::Rejected].into_iter().find(|s| s.name() == name)
    }
}

/// What the applicant's page may do next; decided by [`Application::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing to show yet: the officer has not decided, or must decide again.
    Wait,
    /// The officer said no.
    Rejected,
    /// Make the first offer of this approval.
    MakeOffer,
    /// Show the offer that is there.
    ShowOffer,
}

impl Application {
    /// Decides what comes next, given whether there is an offer.
    #[must_use]
    pub const fn next(&self, has_offer: bool) -> Next {
        match self.state {
            ApplicationState::Waiting => Next::Wait,
            ApplicationState::Rejected => Next::Rejected,
            ApplicationState::Approved if has_offer => Next::ShowOffer,
            ApplicationState::Approved => Next::MakeOffer,
        }
    }

    /// Decides whether the applicant may have a fresh offer in place of the present one, which dies
    /// with it.
    ///
    /// Guessing a Transaction Code must not go on in a fresh offer: it takes over the count, and
    /// after a lock the officer has to approve again, which makes a new code. Where everybody is
    /// approved at once there is no officer and nothing worth guessing.
    #[must_use]
    pub fn can_renew(&self, offer: OfferState, approval: Approval) -> bool {
        self.state == ApplicationState::Approved
            && match offer {
                OfferState::Created | OfferState::Fetched | OfferState::Expired => true,
                OfferState::Locked => approval != Approval::Officer,
                OfferState::Redeemed
                | OfferState::Deferred
                | OfferState::Issued
                | OfferState::Withdrawn => false,
            }
    }

    /// Whether an officer may still decide: what waits, and what was locked by wrong codes.
    #[must_use]
    pub fn can_be_decided(&self, offer: Option<OfferState>) -> bool {
        self.state == ApplicationState::Waiting || offer == Some(OfferState::Locked)
    }

    /// Whether an officer may have the Transaction Code delivered again, which is still the same:
    /// until somebody has used it.
    #[must_use]
    pub fn can_be_delivered_again(&self, offer: Option<OfferState>) -> bool {
        let is_unused = |offer| {
            matches!(offer, OfferState::Created | OfferState::Fetched | OfferState::Expired)
        };
        self.state == ApplicationState::Approved && offer.is_none_or(is_unused)
    }
}

/// The secret part of an applicant's link; whoever has it is the applicant.
#[derive(Clone)]
pub struct ApplicationSecret(String);

impl ApplicationSecret {
    const ID_BYTES: usize = 16;
    const SECRET_BYTES: usize = 32;

    /// Draws the secret of a new application.
    #[must_use]
    pub fn fresh(id: ApplicationId, random: &dyn Random) -> Self {
        let mut secret = [0; Self::SECRET_BYTES];
        random.fill(&mut secret);
        Self(BASE64_URL_SAFE_NO_PAD.encode([&id.0.0[..], &secret].concat()))
    }

    /// Reads what stands in a link; `None` when it cannot be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<(ApplicationId, Self)> {
        if text.len() != (Self::ID_BYTES + Self::SECRET_BYTES) / 3 * 4 {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let id = OfferId(*bytes.first_chunk::<{ Self::ID_BYTES }>()?);
        Some((ApplicationId(id), Self(text.to_owned())))
    }

    /// For the link, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The only form that may be stored.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(sha256(self.0.as_bytes()))
    }
}

impl fmt::Debug for ApplicationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApplicationSecret(..)")
    }
}

//! Step 18, later: the Deferred Credential Endpoint (VCI §9).
//!
//! What was asked for, with the keys that were proved, waits until somebody approves it. Asking for
//! the same again, with the same keys, finds the same [`Deferral`]: a lost answer costs nothing.

use std::fmt;

use keys::digest::{MacKey, sha256};
use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::access::{self, Authenticated, Presented};
use crate::credential::{CredentialRefusal, Record};
use crate::encryption::{EncryptionRefusal, MessageEncryption};
use crate::error::{Challenge, Demand, ErrorCode, Refusal};
use crate::grant::Grant;
use crate::offer::OfferId;
use crate::proof::VerifiedProofs;
use crate::secret::{SecretDigest, TransactionId};
use crate::token::TokenType;

/// Most credentials of one offer that wait at a time, whatever their keys: a bound on what a thief
/// can record.
pub const DEFERRALS_MAX: u32 = 20;

/// Names one deferred issuance: printed like the id of an offer, and in the order of the offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeferralId(pub OfferId);

impl DeferralId {
    /// The same for the same keys, whatever their order.
    #[must_use]
    pub fn of(offer: OfferId, configuration: &str, thumbprints: &[Option<Thumbprint>]) -> Self {
        let mut keys: Vec<String> = thumbprints.iter().flatten().map(ToString::to_string).collect();
        keys.sort_unstable();
        let all = json!([offer.to_string(), configuration, keys]).to_string();
        let mut id = offer.0;
        // The front is the time of the offer, in milliseconds.
        for (to, from) in id.iter_mut().skip(6).zip(sha256(all.as_bytes())) {
            *to = from;
        }
        Self(OfferId(id))
    }
}

impl fmt::Display for DeferralId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An issuance that waits, or waited.
#[derive(Clone, Debug)]
pub struct Deferral {
    /// Names it for officers; of no use to a Wallet.
    pub id: DeferralId,
    /// The offer that it was asked for with.
    pub offer_id: OfferId,
    /// Of the `transaction_id`.
    pub transaction_digest: SecretDigest,
    /// What was asked for.
    pub credential_configuration_id: String,
    /// The keys to bind; `None` for a credential that is bound to none.
    pub proofs: Option<VerifiedProofs>,
    /// What the credential will say, where the officer said it; else what the offer holds.
    pub claims: Option<Map<String, Value>>,
    /// How far it got.
    pub state: DeferralState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The first second in which nothing is issued any more.
    pub expires_at: Timestamp,
    /// When its state last changed.
    pub decided_at: Option<Timestamp>,
}

/// How far a deferred issuance got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeferralState {
    /// Nobody has decided.
    Waiting,
    /// The Wallet gets it when it asks again.
    Approved,
    /// It will never be issued.
    Rejected,
    /// The Wallet has it.
    Delivered,
}

impl DeferralState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Approved, Self::Rejected, Self::Delivered];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Delivered => "delivered",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Deferral {
    /// Puts an issuance off that [`crate::credential::decide`] allowed.
    #[must_use]
    pub fn new(
        record: &Record<'_>,
        proofs: Option<VerifiedProofs>,
        key: &MacKey,
        (created_at, expires_at): (Timestamp, Timestamp),
    ) -> (Self, TransactionId) {
        let (offer_id, configuration) = (record.grant.id, record.credential_configuration_id);
        let id = DeferralId::of(offer_id, configuration, &record.thumbprints);
        let transaction_id = TransactionId::derive(id, offer_id, key);
        let deferral = Self {
            id,
            offer_id,
            transaction_digest: transaction_id.digest(),
            credential_configuration_id: configuration.to_owned(),
            proofs,
            claims: None,
            state: DeferralState::Waiting,
            created_at,
            expires_at,
            decided_at: None,
        };
        (deferral, transaction_id)
    }

    /// In strict mode: the same for an answer that is to be encrypted under `response_key`, then as
    /// now. A Wallet that asks for the same again under another key gets another `transaction_id`,
    /// and the old one is worth nothing any more.
    #[must_use]
    pub fn under(self, response_key: &Thumbprint, key: &MacKey) -> (Self, TransactionId) {
        let names = (self.id, self.offer_id);
        let transaction_id = TransactionId::derive_under(response_key, names, key);
        (Self { transaction_digest: transaction_id.digest(), ..self }, transaction_id)
    }

    /// How many credentials it will be.
    #[must_use]
    pub fn count(&self) -> usize {
        self.proofs.as_ref().map_or(1, |proofs| proofs.proofs().len())
    }
}

/// Holds a token against what is stored, as [`access::authenticate`] does, and for longer: what it
/// asked for may take days, and it must outlive the wait (DEFER-21). Once its own time is over,
/// [`decide`] takes it for nothing but what it asked for; elsewhere it is worth nothing at all
/// (SEC-30).
pub fn authenticate<'g>(
    presented: Presented<'_>,
    grant: Option<&'g Grant>,
    now: Timestamp,
) -> Result<Authenticated<'g>, CredentialRefusal> {
    let redeemed_at = grant.and_then(|grant| grant.redemption.as_ref()).map(|token| token.at);
    access::authenticate(presented, grant, redeemed_at.unwrap_or(now))
}

/// Deferred Credential Request (VCI §9.1, DEFER-04).
#[derive(Clone, Debug)]
pub struct DeferredCredentialRequest {
    /// From the Credential Response.
    pub transaction_id: TransactionId,
}

impl DeferredCredentialRequest {
    /// Reads the parameters that [`crate::encryption`] opened; unknown ones are ignored (DEFER-06).
    pub fn from_parameters(parameters: &Map<String, Value>) -> Result<Self, DeferredRefusal> {
        let transaction_id = parameters.get("transaction_id");
        let text = transaction_id.ok_or(DeferredRefusal::NoTransactionId)?.as_str();
        let text = text.ok_or(DeferredRefusal::NoTransactionId)?;
        Ok(Self { transaction_id: TransactionId::new(text) })
    }

    /// The parameters that a Wallet sends.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "transaction_id": self.transaction_id.expose() })
    }
}

/// What a Wallet gets that asks for a deferred issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To come again (DEFER-12).
    Wait,
    /// The credentials, once they are recorded (DEFER-11).
    Deliver,
}

/// Decides what becomes of a `transaction_id` (DEFER-16, DEFER-17); `deferral` is `None` for one
/// that nobody knows. Whose credential was rejected, or has it, is told so days later as well: a
/// Wallet that hears `invalid_token` might come again for ever (DEFER-18).
pub fn decide(
    deferral: Option<&Deferral>,
    (presented, token): (Presented<'_>, Authenticated<'_>),
    request: &DeferredCredentialRequest,
    now: Timestamp,
) -> Result<Next, DeferredRefusal> {
    let asked = request.transaction_id.digest();
    let known = deferral.filter(|deferral| {
        deferral.transaction_digest.matches(&asked) && deferral.offer_id == token.grant().id
    });
    let Some(deferral) = known else {
        let is_over = now >= token.redemption().token_expires_at;
        let over = || DeferredRefusal::Credential(presented.bad_token());
        return Err(if is_over { over() } else { DeferredRefusal::UnknownTransactionId });
    };
    match deferral.state {
        DeferralState::Delivered => Err(DeferredRefusal::UnknownTransactionId), // DEFER-05
        DeferralState::Rejected => Err(DeferredRefusal::Denied),
        _ if now >= deferral.expires_at => Err(DeferredRefusal::Denied),
        DeferralState::Waiting => Ok(Next::Wait),
        DeferralState::Approved => Ok(Next::Deliver),
    }
}

/// In strict mode: whether the credential goes out under the key that was named at first, for a
/// request that [`decide`] allowed. VCI §9.1 leaves a Wallet free to name another key, or none
/// (DEFER-10); so whoever stole token and `transaction_id` could read the credential (catalogue H11).
pub fn check_response_key(
    deferral: &Deferral,
    asked: Option<&MessageEncryption>,
    key: &MacKey,
) -> Result<(), EncryptionRefusal> {
    let names = (deferral.id, deferral.offer_id);
    let is_of = |id: &TransactionId| deferral.transaction_digest.matches(&id.digest());
    let is_same = asked.is_some_and(|asked| {
        is_of(&TransactionId::derive_under(&asked.key().thumbprint(), names, key))
    });
    // Who asked in the clear at first may ask for an encrypted answer now.
    let was_free = is_of(&TransactionId::derive(names.0, names.1, key));
    if is_same || was_free { Ok(()) } else { Err(EncryptionRefusal::KeyChanged) }
}

/// The answer to whoever has to come again, status `202` (CRED-31, CRED-39, DEFER-12).
#[derive(Debug, Serialize)]
pub struct DeferredResponse {
    transaction_id: String,
    interval: u32,
}

impl DeferredResponse {
    /// With the seconds to wait at least.
    #[must_use]
    pub fn new(transaction_id: &TransactionId, interval: u32) -> Self {
        Self { transaction_id: transaction_id.expose().to_owned(), interval }
    }
}

/// Why a Deferred Credential Request is refused (VCI §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeferredRefusal {
    /// As a Credential Request would be (DEFER-16).
    Credential(CredentialRefusal),
    /// DEFER-04
    NoTransactionId,
    /// DEFER-16: never issued, or used before.
    UnknownTransactionId,
    /// DEFER-17
    Denied,
}

impl From<CredentialRefusal> for DeferredRefusal {
    fn from(refusal: CredentialRefusal) -> Self {
        Self::Credential(refusal)
    }
}

impl From<EncryptionRefusal> for DeferredRefusal {
    fn from(refusal: EncryptionRefusal) -> Self {
        Self::Credential(refusal.into())
    }
}

impl Refusal for DeferredRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{CredentialRequestDenied, InvalidCredentialRequest, InvalidTransactionId};
        match self {
            Self::Credential(refusal) => refusal.answer(),
            Self::NoTransactionId => {
                (InvalidCredentialRequest, "transaction_id is missing, or no text")
            }
            Self::UnknownTransactionId => {
                (InvalidTransactionId, "transaction_id is unknown, or was used before")
            }
            Self::Denied => (CredentialRequestDenied, "this credential will not be issued"),
        }
    }

    fn status(&self) -> u16 {
        if let Self::Credential(refusal) = self { refusal.status() } else { 400 }
    }

    fn challenge(&self) -> Option<Challenge> {
        if let Self::Credential(refusal) = self { refusal.challenge() } else { None }
    }

    fn scheme(&self) -> TokenType {
        if let Self::Credential(refusal) = self { refusal.scheme() } else { TokenType::Bearer }
    }

    fn demand(&self) -> Option<Demand> {
        if let Self::Credential(refusal) = self { refusal.demand() } else { None }
    }
}

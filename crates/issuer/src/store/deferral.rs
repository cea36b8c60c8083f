//! What the store keeps of issuances that wait, and of what wallets say became of the others.

use async_trait::async_trait;
use keys::outside::Timestamp;
use oid4vci::credential::Record;
use oid4vci::deferred::{Deferral, DeferralId, DeferralState};
use oid4vci::grant::StatusEntry;
use oid4vci::nonce::SpendableNonce;
use oid4vci::notification::{Event, Notified};
use serde_json::{Map, Value};

use super::StoreError;

/// The part of [`super::Store`] that is about what happens after a Credential Request.
#[async_trait]
pub trait DeferralStore: Send + Sync {
    /// Puts an issuance off and spends the nonces of its proofs, both or neither; one of the same
    /// keys that is there stays as it is, but that what was delivered may be fetched once more, and
    /// that the last `transaction_id` counts.
    async fn defer(
        &self,
        record: &Record<'_>,
        nonces: &[SpendableNonce],
        deferral: &Deferral,
    ) -> Result<Deferred, StoreError>;

    /// Reads one deferred issuance; writes nothing.
    async fn deferral(&self, id: DeferralId) -> Result<Option<Deferral>, StoreError>;

    /// Lists deferred issuances, oldest first.
    async fn deferrals(&self, page: DeferralPage) -> Result<Vec<Deferral>, StoreError>;

    /// Approves or rejects what is not decided, or not yet delivered; `claims` are what the
    /// credential says, in place of what the offer holds.
    async fn decide_deferral(
        &self,
        seen: &Deferral,
        state: DeferralState,
        claims: Option<&Map<String, Value>>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Records what is about to be issued of an approved deferral, and spends its `transaction_id`
    /// (DEFER-05), both or neither; `false` when either is not as it was seen, the officer's claims
    /// included.
    async fn deliver(
        &self,
        record: &Record<'_>,
        deferral: &Deferral,
        entries: &[StatusEntry],
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Notes what became of credentials: said again it changes nothing (NOTIF-04), and what was
    /// accepted may be deleted, but never the reverse.
    async fn note_event(
        &self,
        notified: &Notified,
        event: Event,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

/// What became of a wish to put an issuance off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferred {
    /// It is on disk, in this state.
    Recorded(DeferralState),
    /// The offer is no longer as it was read: read again and decide again.
    Changed,
    /// A nonce was spent before; nothing was written.
    NonceSpent,
    /// The DPoP proof was used before; nothing was written.
    Replayed,
    /// As much waits as may wait of one offer; nothing was written.
    TooMany,
}

/// Which deferred issuances to list.
#[derive(Clone, Debug)]
pub struct DeferralPage {
    /// Only those in this state.
    pub state: Option<DeferralState>,
    /// Only those behind this one.
    pub after: Option<DeferralId>,
    /// At most so many.
    pub limit: u32,
}

/// An officer's claims as they are kept, and compared.
pub(super) fn claims_text(claims: Option<&Map<String, Value>>) -> Option<String> {
    claims.map(|claims| Value::from(claims.clone()).to_string())
}

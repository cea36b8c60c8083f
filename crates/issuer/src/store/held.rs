//! What the store keeps of offers that are out and cannot be taken yet.

use async_trait::async_trait;
use keys::outside::Timestamp;
use oid4vci::offer::OfferId;

use super::StoreError;

/// Offers that somebody is still to release.
#[async_trait]
pub trait HeldStore: Send + Sync {
    /// Records that an offer is not to be taken; before the offer itself, so that there is no moment
    /// in which it could be.
    async fn hold_offer(&self, id: OfferId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// Somebody wants to take it, who is to wait so many seconds between two times.
    async fn ask_held(
        &self,
        id: OfferId,
        interval: u64,
        now: Timestamp,
    ) -> Result<Held, StoreError>;

    /// From now on it can be taken; `false` when it is not held.
    async fn release_offer(&self, id: OfferId) -> Result<bool, StoreError>;
}

/// Whether somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It can be taken.
    No,
    /// It cannot.
    Yes,
    /// It cannot, and whoever asks did so a moment ago.
    TooSoon,
}

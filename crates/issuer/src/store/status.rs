//! What the store keeps of status lists: which entries are taken, and which are not valid.

use async_trait::async_trait;
use formats::status_list::{Bits, Status};
use keys::outside::Timestamp;
use oid4vci::grant::{Issued, StatusEntry};
use oid4vci::offer::OfferId;

use super::StoreError;

/// The part of [`super::Store`] that is about status lists.
#[async_trait]
pub trait StatusStore: Send + Sync {
    /// Leases `count` entries of the newest open list of this size, or opens another list when it
    /// has none left; racing nodes open one. No entry is ever leased twice: what is not used is
    /// lost, also in a crash (HAIP-45, catalogue J01, J02).
    async fn lease_entries(&self, wanted: &NewLease) -> Result<Lease, StoreError>;

    /// The lists with a number above `after`, lowest first.
    async fn status_lists(&self, after: u64) -> Result<Vec<StoredList>, StoreError>;

    /// Reads statuses, in the order of the entries; one that was never set is valid.
    async fn statuses(&self, entries: &[StatusEntry]) -> Result<Vec<Status>, StoreError>;

    /// Sets statuses and gives back what the entries say now: invalid is for good, and what was
    /// never suspended cannot be reinstated (catalogue J13). A change is stamped with `now`, or with
    /// the latest stamp there is, so that the stamps grow whatever the clocks of the nodes say.
    async fn set_statuses(
        &self,
        wanted: &[(StatusEntry, Status)],
        now: Timestamp,
    ) -> Result<Vec<Status>, StoreError>;

    /// What was set after this place, oldest first, at most `limit`.
    async fn status_changes(
        &self,
        after: &ChangePlace,
        limit: u32,
    ) -> Result<Vec<StatusChange>, StoreError>;

    /// What was issued from an offer, oldest first; this is known for longer than the offer.
    async fn issued(&self, id: OfferId) -> Result<Vec<Issued>, StoreError>;

    /// Ends an offer of which something was issued: nothing more is issued from it (catalogue J05).
    async fn end_offer(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError>;
}

/// What a node asks for.
#[derive(Clone, Debug)]
pub struct NewLease {
    /// How many entries.
    pub count: u64,
    /// Of each entry of a list.
    pub bits: Bits,
    /// Entries of a list.
    pub size: u64,
    /// For a list that has to be opened: shuffles its entries.
    pub shuffle_key: [u8; 32],
    /// For a list that has to be opened.
    pub now: Timestamp,
}

/// Entries that one node may give out. They are counted in the order of leasing; where they are in
/// the list follows from the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The list.
    pub list: StoredList,
    /// Of the list.
    pub shuffle_key: [u8; 32],
    /// The first one.
    pub start: u64,
    /// Behind the last one.
    pub end: u64,
}

/// One status list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredList {
    /// Its name.
    pub number: u64,
    /// Of each entry.
    pub bits: Bits,
    /// How many entries it has; 0 for a number that is passed over.
    pub size: u64,
}

/// One entry that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Which one.
    pub entry: StatusEntry,
    /// To what.
    pub status: Status,
    /// When.
    pub changed_at: Timestamp,
}

/// A place in the order of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangePlace {
    /// First by time.
    pub changed_at: Timestamp,
    /// Then by entry.
    pub entry: StatusEntry,
}

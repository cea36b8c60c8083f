//! Status lists: which entry a credential gets, and what is served of the lists (DEP-10, SEC-10).
//!
//! The store says which entries are taken and which are not valid. A node holds the bits of every
//! list in memory, asks the store a few times a second what has changed, and signs what did. No
//! request waits for that: it is answered with what was signed last.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use formats::status_list::Status;
use oid4vci::grant::StatusEntry;
use tokio::sync::Notify;

use crate::Issuer;
use crate::config::Config;
use crate::failure::Broken;
use crate::store::StoreError;
use crate::store::status::{ChangePlace, StoredList};
use allocation::Allocation;
use list::List;

mod allocation;
mod bitstring;
mod list;
mod permutation;

pub(crate) use bitstring::credential_status;
pub use bitstring::{Credential, Form, Which};
pub use list::{Published, Representation};

/// How often a node asks what other nodes have changed; with the time to sign, a change is served
/// within a second.
const FOLLOW_EVERY: Duration = Duration::from_millis(300);
/// Changes are stamped before they are committed: what is so much older than the newest one that
/// was seen is read once more.
const OVERLAP_SECONDS: u64 = 30;
/// Changes read at once.
const CHANGES_PAGE: u32 = 10_000;
/// Lists signed in one round only because time goes on: signing all at once would take a while.
const RENEWALS_MAX: usize = 8;
/// How far ahead of the last list that was read a number is looked up: another node may just have
/// opened it; further away there is nothing.
const NUMBERS_AHEAD_MAX: u64 = 16;
/// In place of a number, before anything was read.
const NOTHING_READ: u64 = u64::MAX;

/// The lists of one issuer, as this node knows them.
#[derive(Debug)]
pub struct StatusLists {
    allocation: Allocation,
    lists: RwLock<BTreeMap<u64, Arc<List>>>,
    /// Up to where the store's changes were read; whoever reads holds it.
    followed: tokio::sync::Mutex<ChangePlace>,
    /// The number of the last list that was read.
    last_read: AtomicU64,
    /// Something was changed here: do not wait for the next round.
    changed: Notify,
}

impl Default for StatusLists {
    fn default() -> Self {
        Self {
            allocation: Allocation::default(),
            lists: RwLock::default(),
            followed: tokio::sync::Mutex::default(),
            last_read: AtomicU64::new(NOTHING_READ),
            changed: Notify::new(),
        }
    }
}

impl StatusLists {
    /// Takes entries for the credentials of one request; no other credential gets them.
    pub async fn take(
        &self,
        issuer: &Issuer,
        count: usize,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        self.allocation.take(issuer, count).await
    }

    /// Takes back entries of an issuance that was certainly not recorded.
    pub fn give_back(&self, entries: Vec<StatusEntry>) {
        self.allocation.give_back(entries);
    }

    /// Whether the list of an entry has room for this status; `None` when there is no such list.
    pub async fn holds(
        &self,
        issuer: &Issuer,
        list: u64,
        status: Status,
    ) -> Result<Option<bool>, StoreError> {
        Ok(self.find(issuer, list).await?.map(|list| list.holds(status)))
    }

    /// How many entries a list has that this node knows, as it does each that it has leased from.
    pub(crate) fn size(&self, list: u64) -> Option<u64> {
        self.known(list).map(|list| list.size())
    }

    /// What to serve at the address of a list; `None` when there is no such list.
    pub async fn published(
        &self,
        issuer: &Issuer,
        number: u64,
    ) -> Result<Option<Arc<Published>>, Broken> {
        let Some(list) = self.find(issuer, number).await? else { return Ok(None) };
        if let Some(published) = list.published(issuer.clock.now()) {
            return Ok(Some(published));
        }
        // The first request after the start, or the background has failed for long.
        self.follow(issuer).await?;
        list.publish(issuer).await?;
        Ok(list.published(issuer.clock.now()))
    }

    /// Something was changed in the store by this node.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Reads what has changed and signs what is due; nothing is signed that was not read just before.
    pub async fn bring_up_to_date(&self, issuer: &Issuer) -> Result<(), Broken> {
        self.follow(issuer).await?;
        let now = issuer.clock.now();
        let (changed, unchanged): (Vec<_>, Vec<_>) =
            self.all().into_iter().partition(|list| list.has_changed(now));
        let old = unchanged.into_iter().filter(|list| list.is_old(issuer, now)).take(RENEWALS_MAX);
        let mut outcome = Ok(());
        for list in changed.into_iter().chain(old) {
            outcome = outcome.and(list.publish(issuer).await); // the others shall not wait for it
        }
        outcome
    }

    /// Keeps the lists up to date, as long as the server runs.
    pub async fn keep_up_to_date(&self, issuer: &Issuer) {
        let mut failing = false;
        loop {
            let outcome = self.bring_up_to_date(issuer).await;
            let has_failed = outcome.is_err();
            match outcome {
                Err(broken) if !failing => broken.log(),
                Ok(()) if failing => tracing::info!("status lists are up to date again"),
                Ok(()) | Err(_) => {}
            }
            failing = has_failed;
            let _ = tokio::time::timeout(FOLLOW_EVERY, self.changed.notified()).await;
        }
    }

    /// Leases entries ahead, as long as the server runs.
    pub async fn lease_ahead(&self, issuer: &Issuer) {
        self.allocation.lease_ahead(issuer).await;
    }

    /// Reads new lists and new changes.
    async fn follow(&self, issuer: &Issuer) -> Result<(), StoreError> {
        let mut followed = self.followed.lock().await;
        let read = self.last_read().unwrap_or(0);
        let lists = issuer.store.status_lists(read).await?;
        self.learn(issuer, &lists);
        let mut after = ChangePlace {
            changed_at: followed.changed_at.minus(OVERLAP_SECONDS),
            entry: StatusEntry::default(),
        };
        loop {
            let changes = issuer.store.status_changes(&after, CHANGES_PAGE).await?;
            for change in &changes {
                // A list that was opened just now is known next time, and this read once more.
                if let Some(list) = self.known(change.entry.list) {
                    list.set(change.entry.idx, change.status);
                }
                after = ChangePlace { changed_at: change.changed_at, entry: change.entry };
            }
            *followed = (*followed).max(after);
            if changes.len() < usize::try_from(CHANGES_PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
        let read = lists.last().map_or(read, |list| list.number);
        self.last_read.store(read, Ordering::Relaxed);
        Ok(())
    }

    /// Adds lists that are new to this node.
    fn learn(&self, issuer: &Issuer, stored: &[StoredList]) {
        if stored.iter().all(|list| list.size == 0 || self.known(list.number).is_some()) {
            return;
        }
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        for list in stored.iter().filter(|list| list.size > 0) {
            let uri = issuer.status_list_uri(list.number);
            lists.entry(list.number).or_insert_with(|| Arc::new(List::new(uri, list)));
        }
    }

    async fn find(&self, issuer: &Issuer, number: u64) -> Result<Option<Arc<List>>, StoreError> {
        let known = self.known(number);
        let is_thinkable = self
            .last_read()
            .is_none_or(|last| (last..=last.saturating_add(NUMBERS_AHEAD_MAX)).contains(&number));
        if known.is_some() || !is_thinkable {
            return Ok(known);
        }
        self.follow(issuer).await?;
        Ok(self.known(number))
    }

    fn last_read(&self) -> Option<u64> {
        Some(self.last_read.load(Ordering::Relaxed)).filter(|last| *last != NOTHING_READ)
    }

    fn known(&self, number: u64) -> Option<Arc<List>> {
        self.lists.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    fn all(&self) -> Vec<Arc<List>> {
        self.lists.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Issuer {
    /// Where a status list is served.
    #[must_use]
    pub fn status_list_uri(&self, number: u64) -> String {
        list_uri(&self.config, number)
    }
}

/// The address of a list; made from the configured identifier alone, never from a request (G09).
fn list_uri(config: &Config, number: u64) -> String {
    format!("{}/status-lists/{number}", config.url.as_str())
}

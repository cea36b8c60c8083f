//! Entries for credentials that are about to be issued: leased ahead, given out once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use oid4vci::grant::StatusEntry;
use tokio::sync::Notify;

use super::permutation::Permutation;
use crate::Issuer;
use crate::store::StoreError;
use crate::store::status::{Lease, NewLease};

/// Entries of one lease. Less than twice as many are held, so that is what a crash can waste.
const LEASE: u64 = 512;
/// A lease is at most this part of a list: a small list is not used up by restarts.
const LEASE_PARTS_MIN: u64 = 16;

/// The entries that this node holds.
#[derive(Debug, Default)]
pub(super) struct Allocation {
    held: Mutex<VecDeque<StatusEntry>>,
    /// Whoever leases; others wait for what it brings.
    leasing: tokio::sync::Mutex<()>,
    /// Fewer are held than one lease has.
    low: Notify,
}

impl Allocation {
    /// Takes entries for the credentials of one request, each for one of them.
    pub(super) async fn take(
        &self,
        issuer: &Issuer,
        count: usize,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        loop {
            if let Some(entries) = self.take_held(issuer, count) {
                return Ok(entries);
            }
            self.lease(issuer, count).await?;
        }
    }

    fn take_held(&self, issuer: &Issuer, count: usize) -> Option<Vec<StatusEntry>> {
        let mut held = self.held();
        let entries = (held.len() >= count).then(|| held.drain(..count).collect());
        if (held.len() as u64) < lease_size(issuer) {
            self.low.notify_one();
        }
        entries
    }

    /// Takes back what was certainly recorded for nobody.
    pub(super) fn give_back(&self, entries: Vec<StatusEntry>) {
        self.held().extend(entries);
    }

    /// Leases ahead, as long as the server runs, so that no request waits for it.
    pub(super) async fn lease_ahead(&self, issuer: &Issuer) {
        loop {
            let enough = usize::try_from(lease_size(issuer)).unwrap_or(usize::MAX);
            if let Err(error) = self.lease(issuer, enough).await {
                tracing::error!(%error, "could not lease entries of a status list");
            }
            self.low.notified().await;
        }
    }

    /// Leases until `enough` are held; nothing happens when somebody else has done it meanwhile.
    async fn lease(&self, issuer: &Issuer, enough: usize) -> Result<(), StoreError> {
        let _alone = self.leasing.lock().await;
        while self.held().len() < enough {
            let lease = issuer.store.lease_entries(&wanted(issuer)).await?;
            issuer.status_lists.learn(issuer, &[lease.list]);
            // Off the event loop: many MACs, for credentials that are not asked for yet.
            let entries = tokio::task::spawn_blocking(move || shuffled(&lease)).await;
            self.held().extend(entries.map_err(|error| StoreError::Broken(error.to_string()))?);
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, VecDeque<StatusEntry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lease_size(issuer: &Issuer) -> u64 {
    LEASE.min(issuer.config.status.size / LEASE_PARTS_MIN).max(1)
}

fn wanted(issuer: &Issuer) -> NewLease {
    let mut shuffle_key = [0; 32];
    issuer.random.fill(&mut shuffle_key);
    NewLease {
        count: lease_size(issuer),
        bits: issuer.config.status.list_bits(),
        size: issuer.config.status.size,
        shuffle_key,
        now: issuer.clock.now(),
    }
}

fn shuffled(lease: &Lease) -> Vec<StatusEntry> {
    let permutation = Permutation::new(lease.shuffle_key, lease.list.size);
    let entry = |count| StatusEntry { list: lease.list.number, idx: permutation.index(count) };
    (lease.start..lease.end).map(entry).collect()
}

//! What every store promises about status lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use formats::status_list::{Bits, Status};
use issuer::store::Recorded;
use issuer::store::status::{ChangePlace, NewLease};
use keys::outside::Random as _;
use oid4vci::grant::StatusEntry;
use oid4vci::offer::OfferId;
use tokio::task::JoinSet;

use super::{Contract, RACERS};

/// Entries of a list, few so that lists become full.
const SIZE: u64 = 1024;
const COUNT: u64 = 100;

impl Contract {
    pub(super) async fn status_lists_hold(&self) {
        self.an_entry_is_leased_once_and_a_full_list_is_followed_by_another().await;
        self.racing_nodes_lease_different_entries().await;
        self.lists_of_another_kind_stand_beside().await;
        self.an_issuance_is_recorded_with_its_entries().await;
        self.a_revoked_credential_stays_revoked().await;
        self.racing_changes_leave_what_is_final().await;
        self.changes_are_read_in_their_order().await;
        self.the_stamps_grow_whatever_the_clocks_say().await;
        self.an_offer_that_ended_gives_nothing_more().await;
    }

    fn wanted(&self, bits: Bits) -> NewLease {
        let mut shuffle_key = [0; 32];
        self.random.fill(&mut shuffle_key);
        NewLease { count: COUNT, bits, size: SIZE, shuffle_key, now: self.now() }
    }

    /// Catalogue J01, J06: also where the last lease of a list is shorter.
    async fn an_entry_is_leased_once_and_a_full_list_is_followed_by_another(&self) {
        let (mut leased, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..25 {
            let lease = self.store.lease_entries(&self.wanted(Bits::Two)).await.unwrap();
            assert!(lease.start < lease.end && lease.end <= SIZE, "{lease:?}");
            assert_eq!((lease.list.size, lease.list.bits), (SIZE, Bits::Two));
            keys.insert((lease.list.number, lease.shuffle_key));
            for count in lease.start..lease.end {
                assert!(leased.insert((lease.list.number, count)), "{lease:?}");
            }
        }
        let first = leased.first().unwrap().0;
        let of = |number| leased.range((number, 0)..(number + 1, 0)).count() as u64;
        assert_eq!([of(first), of(first + 1)], [SIZE, SIZE], "nothing is left out");
        assert_eq!(keys.len(), 3, "a list keeps its key");
        let lists = self.store.status_lists(first).await.unwrap();
        assert_eq!(
            lists.iter().map(|list| list.number).collect::<Vec<_>>(),
            [first + 1, first + 2]
        );
    }

    /// Catalogue J01: also at the moment when one list ends and the next one opens.
    async fn racing_nodes_lease_different_entries(&self) {
        let before = self.store.status_lists(0).await.unwrap().len();
        let mut racers = JoinSet::new();
        for _ in 0..RACERS {
            let (store, wanted) = (Arc::clone(&self.store), self.wanted(Bits::Two));
            racers.spawn(async move { store.lease_entries(&wanted).await.unwrap() });
        }
        let leases = racers.join_all().await;
        let entries: Vec<_> = leases
            .iter()
            .flat_map(|lease| (lease.start..lease.end).map(|count| (lease.list.number, count)))
            .collect();
        let distinct: BTreeSet<_> = entries.iter().collect();
        assert_eq!(distinct.len(), entries.len());
        let opened = self.store.status_lists(0).await.unwrap().len() - before;
        let needed = usize::try_from(RACERS as u64 * COUNT / SIZE).unwrap();
        assert!(opened <= needed + 1, "{opened} lists for {needed}: none is opened in vain");
    }

    /// Nodes whose configurations differ for a while open no list after the other.
    async fn lists_of_another_kind_stand_beside(&self) {
        let two = self.store.lease_entries(&self.wanted(Bits::Two)).await.unwrap();
        let one = self.store.lease_entries(&self.wanted(Bits::One)).await.unwrap();
        assert_eq!(one.list.bits, Bits::One);
        assert_ne!(one.list.number, two.list.number);
        let again = self.store.lease_entries(&self.wanted(Bits::Two)).await.unwrap();
        assert_eq!(again.list.number, two.list.number);
        let again = self.store.lease_entries(&self.wanted(Bits::One)).await.unwrap();
        assert_eq!(again.list.number, one.list.number);
    }

    /// HAIP-45
    async fn an_issuance_is_recorded_with_its_entries(&self) {
        let (grant, key) = (self.redeemed().await, Self::thumbprint());
        let mut record = Self::record(&grant, &key);
        record.thumbprints.push(Some(Self::thumbprint()));
        let entries = [StatusEntry { list: 7, idx: 900 }, StatusEntry { list: 8, idx: 0 }];
        let recorded = self.store.record_issuance(&record, &[], &entries, self.now()).await;
        assert_eq!(recorded.unwrap(), Recorded::Recorded);
        let again = self.grant(grant.id).await;
        let none = Self::record(&again, &key);
        self.store.record_issuance(&none, &[], &[], self.now()).await.unwrap();
        let issued = self.grant(grant.id).await.issued;
        let found: Vec<_> = issued.iter().map(|issued| issued.entry).collect();
        assert_eq!(found, [Some(entries[0]), Some(entries[1]), None]);
        assert_eq!(self.store.issued(grant.id).await.unwrap(), issued);
        let unknown = OfferId::fresh(self.now(), &self.random);
        assert!(self.store.issued(unknown).await.unwrap().is_empty());
    }

    async fn set(&self, entry: StatusEntry, status: Status) -> Status {
        let set = self.store.set_statuses(&[(entry, status)], self.now()).await.unwrap();
        assert_eq!(set, self.store.statuses(&[entry]).await.unwrap());
        set[0]
    }

    /// Catalogue J13; the same request twice changes nothing.
    async fn a_revoked_credential_stays_revoked(&self) {
        use Status::{Invalid, Suspended, Valid};
        let (one, other) = (StatusEntry { list: 1, idx: 5 }, StatusEntry { list: 2, idx: 5 });
        for (asked, is) in [
            (Valid, Valid),
            (Suspended, Suspended),
            (Suspended, Suspended),
            (Valid, Valid),
            (Suspended, Suspended),
            (Invalid, Invalid),
            (Invalid, Invalid),
            (Suspended, Invalid),
            (Valid, Invalid),
        ] {
            assert_eq!(self.set(one, asked).await, is, "{asked}");
        }
        assert_eq!(self.store.statuses(&[other, one]).await.unwrap(), [Valid, Invalid]);
        let wanted = [(other, Suspended), (one, Suspended), (other, Invalid)];
        let set = self.store.set_statuses(&wanted, self.now()).await.unwrap();
        assert_eq!(set, [Invalid, Invalid, Invalid], "one after the other, each by itself");
    }

    /// Catalogue J04: whoever was told "invalid" was told the truth for good.
    async fn racing_changes_leave_what_is_final(&self) {
        let entry = StatusEntry { list: 3, idx: 1 };
        let mut racers = JoinSet::new();
        for racer in 0..RACERS {
            let (store, now) = (Arc::clone(&self.store), self.now());
            let status = [Status::Suspended, Status::Valid, Status::Invalid][racer % 3];
            racers.spawn(async move { store.set_statuses(&[(entry, status)], now).await.unwrap() });
        }
        racers.join_all().await;
        assert_eq!(self.store.statuses(&[entry]).await.unwrap(), [Status::Invalid]);
    }

    async fn changes_are_read_in_their_order(&self) {
        let start = self.now().plus(1000);
        for idx in [9, 3, 7] {
            let entry = StatusEntry { list: 4, idx };
            let now = start.plus(10 - idx);
            self.store.set_statuses(&[(entry, Status::Suspended)], now).await.unwrap();
        }
        let mut after = ChangePlace { changed_at: start, entry: StatusEntry::default() };
        let mut read = Vec::new();
        loop {
            let page = self.store.status_changes(&after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = ChangePlace { changed_at: last.changed_at, entry: last.entry };
            read.extend(page);
        }
        let idx: Vec<u64> = read.iter().map(|change| change.entry.idx).collect();
        assert_eq!(idx, [9, 3, 7], "in the order in which they were made: the stamps grow");
        let again = self
            .store
            .set_statuses(&[(StatusEntry { list: 4, idx: 9 }, Status::Invalid)], start.plus(20));
        again.await.unwrap();
        let page = self.store.status_changes(&after, 10).await.unwrap();
        assert_eq!(page.len(), 1, "a change of what was read before is read again");
        assert_eq!((page[0].entry.idx, page[0].status), (9, Status::Invalid));
    }

    /// A node whose clock is slow must not be overheard.
    async fn the_stamps_grow_whatever_the_clocks_say(&self) {
        let fast = self.now().plus(5000);
        let (one, two) = (StatusEntry { list: 5, idx: 1 }, StatusEntry { list: 5, idx: 2 });
        self.store.set_statuses(&[(one, Status::Invalid)], fast).await.unwrap();
        self.store.set_statuses(&[(two, Status::Invalid)], self.now()).await.unwrap();
        let after = ChangePlace { changed_at: fast, entry: one };
        let read = self.store.status_changes(&after, 10).await.unwrap();
        assert_eq!(read.iter().map(|change| change.entry).collect::<Vec<_>>(), [two]);
        self.store.set_statuses(&[(one, Status::Valid)], self.now()).await.unwrap();
        let suspended = [(StatusEntry { list: 5, idx: 3 }, Status::Suspended)];
        self.store.set_statuses(&suspended, self.now()).await.unwrap();
        let reinstated = [(suspended[0].0, Status::Valid)];
        self.store.set_statuses(&reinstated, self.now()).await.unwrap();
        let read = self.store.status_changes(&after, 10).await.unwrap();
        let last = read.last().unwrap();
        assert_eq!((last.entry.idx, last.status), (3, Status::Valid), "a reinstatement too");
    }

    /// Catalogue J05
    async fn an_offer_that_ended_gives_nothing_more(&self) {
        let (grant, key) = (self.redeemed().await, Self::thumbprint());
        self.store.end_offer(grant.id, self.now()).await.unwrap();
        assert!(self.grant(grant.id).await.withdrawn_at.is_none(), "nothing was issued from it");
        let record = Self::record(&grant, &key);
        self.store.record_issuance(&record, &[], &[], self.now()).await.unwrap();
        let seen = self.grant(grant.id).await;
        self.store.end_offer(grant.id, self.now()).await.unwrap();
        let record = Self::record(&seen, &key);
        let outcome = self.store.record_issuance(&record, &[], &[], self.now()).await.unwrap();
        assert_eq!(outcome, Recorded::Changed);
    }
}

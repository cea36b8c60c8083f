//! What is issued later, and what wallets say became of it.

use std::sync::Arc;

use issuer::store::Recorded;
use issuer::store::deferral::{DeferralPage, Deferred};
use keys::digest::MacKey;
use keys::public_key::Thumbprint;
use oid4vci::credential::Record;
use oid4vci::deferred::{DEFERRALS_MAX, Deferral, DeferralState};
use oid4vci::grant::{Grant, StatusEntry};
use oid4vci::notification::{Event, Notified};
use serde_json::{Map, json};

use super::Contract;

/// How long a deferral waits in these checks.
const SECONDS: u64 = 10_000;

impl Contract {
    pub(super) async fn what_is_issued_later_holds(&self) {
        self.a_deferral_is_recorded_with_its_nonces_or_not_at_all().await;
        self.a_proof_of_the_sender_defers_once().await;
        self.the_same_keys_are_deferred_once().await;
        self.a_deferral_is_decided_and_delivered_once().await;
        self.a_delivery_is_the_only_one_of_racing_requests().await;
        self.what_waits_has_a_bound().await;
        self.what_waits_is_kept_and_goes_in_the_end().await;
        self.a_wallet_may_say_it_again_and_never_take_it_back().await;
    }

    fn deferral(&self, record: &Record<'_>) -> Deferral {
        let times = (self.now(), self.now().plus(SECONDS));
        Deferral::new(record, None, &MacKey::new([5; 32]), times).0
    }

    /// An offer with one deferral that waits.
    pub(super) async fn deferred(&self) -> (Grant, Thumbprint, Deferral) {
        let (grant, key) = (self.redeemed().await, Self::thumbprint());
        let record = Self::record(&grant, &key);
        let deferral = self.deferral(&record);
        let outcome = self.store.defer(&record, &[self.nonce()], &deferral).await.unwrap();
        assert_eq!(outcome, Deferred::Recorded(DeferralState::Waiting));
        let grant = self.grant(grant.id).await;
        (grant, key, deferral)
    }

    async fn read(&self, deferral: &Deferral) -> Deferral {
        self.store.deferral(deferral.id).await.unwrap().unwrap()
    }

    async fn decided(&self, deferral: &Deferral, state: DeferralState) -> bool {
        let seen = self.read(deferral).await;
        self.store.decide_deferral(&seen, state, None, self.now()).await.unwrap()
    }

    /// RFC 9449 §11.1
    async fn a_proof_of_the_sender_defers_once(&self) {
        let used = self.used().await;
        let (first, second) = (self.redeemed().await, self.redeemed().await);
        for (grant, expected) in
            [(&first, Deferred::Recorded(DeferralState::Waiting)), (&second, Deferred::Replayed)]
        {
            let record = Record { used: Some(used), ..Self::record(grant, &Self::thumbprint()) };
            let deferral = self.deferral(&record);
            let outcome = self.store.defer(&record, &[self.nonce()], &deferral).await.unwrap();
            assert_eq!(outcome, expected);
            let kept = self.store.deferral(deferral.id).await.unwrap();
            assert_eq!(kept.is_some(), expected != Deferred::Replayed);
        }
        assert_eq!(self.grant(second.id).await.deferred_until, None, "nothing was written");
    }

    async fn a_deferral_is_recorded_with_its_nonces_or_not_at_all(&self) {
        let (grant, key) = (self.redeemed().await, Self::thumbprint());
        let record = Self::record(&grant, &key);
        let (deferral, nonce) = (self.deferral(&record), self.nonce());
        self.store.defer(&record, &[nonce], &deferral).await.unwrap();
        let read = self.read(&deferral).await;
        assert!(read.transaction_digest.matches(&deferral.transaction_digest));
        assert_eq!((read.offer_id, read.state), (grant.id, DeferralState::Waiting));
        assert_eq!((read.created_at, read.expires_at), (deferral.created_at, deferral.expires_at));
        assert_eq!(self.grant(grant.id).await.deferred_until, Some(deferral.expires_at));
        assert!(self.grant(grant.id).await.issued.is_empty());

        let (other, key) = (self.redeemed().await, Self::thumbprint());
        let record = Self::record(&other, &key);
        let deferral = self.deferral(&record);
        let outcome = self.store.defer(&record, &[nonce], &deferral).await.unwrap();
        assert_eq!(outcome, Deferred::NonceSpent);
        assert!(self.store.deferral(deferral.id).await.unwrap().is_none());
        assert_eq!(self.grant(other.id).await.deferred_until, None, "nothing was written");

        self.store.withdraw_offer(other.id, self.now()).await.unwrap();
        let outcome = self.store.defer(&record, &[self.nonce()], &deferral).await.unwrap();
        assert_eq!(outcome, Deferred::Changed);
    }

    async fn the_same_keys_are_deferred_once(&self) {
        let (grant, key, deferral) = self.deferred().await;
        let record = Self::record(&grant, &key);
        let again = async || {
            let deferral = self.deferral(&record);
            self.store.defer(&record, &[self.nonce()], &deferral).await.unwrap()
        };
        assert_eq!(again().await, Deferred::Recorded(DeferralState::Waiting));
        let (last, _) = self.deferral(&record).under(&Self::thumbprint(), &MacKey::new([5; 32]));
        self.store.defer(&record, &[self.nonce()], &last).await.unwrap();
        let counts = self.read(&deferral).await.transaction_digest;
        assert!(counts.matches(&last.transaction_digest), "the last transaction_id counts");
        assert!(self.decided(&deferral, DeferralState::Approved).await);
        assert_eq!(again().await, Deferred::Recorded(DeferralState::Approved));
        assert!(self.decided(&deferral, DeferralState::Rejected).await, "an approval is revoked");
        assert_eq!(again().await, Deferred::Recorded(DeferralState::Rejected));
        assert_eq!(self.grant(grant.id).await.deferred_until, None, "it waits no more");
    }

    async fn a_deferral_is_decided_and_delivered_once(&self) {
        let (grant, key, deferral) = self.deferred().await;
        let record = Self::record(&grant, &key);
        let late = self.now().plus(SECONDS - 1); // long after the token
        let deliver = async |seen: &Deferral| {
            let entries = [StatusEntry { list: 7, idx: 70 }];
            self.store.deliver(&record, seen, &entries, late).await.unwrap()
        };
        assert!(!deliver(&deferral).await, "nobody has approved it");
        let seen = self.read(&deferral).await;
        let claims = Map::from_iter([("name".to_owned(), json!("Grace"))]);
        let approve = async || {
            let approved = DeferralState::Approved;
            self.store.decide_deferral(&seen, approved, Some(&claims), self.now()).await.unwrap()
        };
        assert!(approve().await);
        assert!(!approve().await, "it is not as it was seen");
        let read = self.read(&deferral).await;
        assert_eq!((&read.claims, read.decided_at), (&Some(claims.clone()), Some(self.now())));
        assert!(!deliver(&deferral).await, "the officer has other claims in mind");
        assert!(deliver(&read).await);
        assert!(!deliver(&read).await, "DEFER-05");
        let grant = self.grant(grant.id).await;
        assert_eq!(grant.deferred_until, None);
        let [issued] = &grant.issued[..] else { panic!("{grant:?}") };
        assert_eq!((&issued.thumbprint, issued.at), (&Some(key.clone()), late));
        assert_eq!(issued.entry, Some(StatusEntry { list: 7, idx: 70 }));
        assert!(!self.decided(&deferral, DeferralState::Rejected).await, "too late");
        let page = |state| DeferralPage { state, after: None, limit: 500 };
        let delivered = self.store.deferrals(page(Some(DeferralState::Delivered))).await.unwrap();
        assert!(delivered.iter().any(|one| one.id == deferral.id));
        let all = self.store.deferrals(page(None)).await.unwrap();
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
        let next = DeferralPage { after: Some(all[0].id), limit: 1, state: None };
        assert_eq!(self.store.deferrals(next).await.unwrap()[0].id, all[1].id);

        let record = Self::record(&grant, &key);
        let again = self.deferral(&record);
        let outcome = self.store.defer(&record, &[self.nonce()], &again).await.unwrap();
        let approved = Deferred::Recorded(DeferralState::Approved);
        assert_eq!(outcome, approved, "who lost the answer asks anew, with the same key");
    }

    async fn a_delivery_is_the_only_one_of_racing_requests(&self) {
        let (grant, key, deferral) = self.deferred().await;
        assert!(self.decided(&deferral, DeferralState::Approved).await);
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (store, grant, now) = (Arc::clone(&self.store), grant.clone(), self.now());
            let (key, deferral) = (key.clone(), deferral.clone());
            racers.spawn(async move {
                let record = Self::record(&grant, &key);
                store.deliver(&record, &deferral, &[], now).await.unwrap()
            });
        }
        assert_eq!(racers.join_all().await.into_iter().filter(|won| *won).count(), 1);
        assert_eq!(self.grant(grant.id).await.issued.len(), 1);
    }

    async fn what_waits_has_a_bound(&self) {
        let grant = self.redeemed().await;
        for number in 0..=DEFERRALS_MAX {
            let key = Self::thumbprint();
            let record = Self::record(&grant, &key);
            let deferral = self.deferral(&record);
            let outcome = self.store.defer(&record, &[self.nonce()], &deferral).await.unwrap();
            let recorded = Deferred::Recorded(DeferralState::Waiting);
            let expected = if number < DEFERRALS_MAX { recorded } else { Deferred::TooMany };
            assert_eq!(outcome, expected, "{number}");
        }
    }

    async fn what_waits_is_kept_and_goes_in_the_end(&self) {
        let (grant, _, deferral) = self.deferred().await;
        let waiting = self.now().plus(SECONDS - 1);
        self.purge(&self.purge_before(waiting)).await;
        assert!(self.store.datasets(grant.id).await.unwrap().is_some(), "it will say this");
        assert!(self.store.deferral(deferral.id).await.unwrap().is_some());
        let over = self.now().plus(SECONDS);
        assert!(self.purge(&self.purge_before(over)).await > 0);
        assert!(self.store.deferral(deferral.id).await.unwrap().is_none());
        assert!(self.store.datasets(grant.id).await.unwrap().is_none());
    }

    async fn a_wallet_may_say_it_again_and_never_take_it_back(&self) {
        let grant = self.redeemed().await;
        let keys = [Self::thumbprint(), Self::thumbprint(), Self::thumbprint()];
        let thumbprints = keys.iter().cloned().map(Some).collect();
        let record = Record { thumbprints, ..Self::record(&grant, &keys[0]) };
        let outcome = self.store.record_issuance(&record, &[], &[], self.now()).await.unwrap();
        assert_eq!(outcome, Recorded::Recorded);
        let two = Notified::new(grant.id, 1, 2);
        let say = async |event, seconds| {
            self.store.note_event(&two, event, self.now().plus(seconds)).await.unwrap();
            let issued = self.grant(grant.id).await.issued;
            issued.iter().map(|one| one.notified).collect::<Vec<_>>()
        };
        let (accepted, deleted) = (Event::CredentialAccepted, Event::CredentialDeleted);
        let first = Some((accepted, self.now()));
        assert_eq!(say(accepted, 0).await, [None, first, first], "those of the response alone");
        assert_eq!(say(accepted, 5).await, [None, first, first], "NOTIF-04");
        let second = Some((deleted, self.now().plus(9)));
        assert_eq!(say(deleted, 9).await, [None, second, second], "NOTIF-11");
        assert_eq!(say(accepted, 10).await, [None, second, second], "what came late");
        let all = self.store.issued(grant.id).await.unwrap();
        assert_eq!(all[1].notified, second);
    }
}

//! The part of the contract about senders that prove a key: proofs come once, a token stays bound,
//! a lost answer can be asked for again.

use std::sync::Arc;

use issuer::store::{PurgeBefore, Recorded, Redeemed};
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, Redemption};
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;

use super::{Contract, RACERS};
use crate::sender::used;

impl Contract {
    pub(super) async fn senders_hold(&self) {
        self.a_token_stays_bound().await;
        self.a_proof_is_spent_with_the_code_or_not_at_all().await;
        self.a_proof_comes_once_to_racing_requests().await;
        self.a_proof_is_spent_with_an_issuance_or_not_at_all().await;
        self.another_token_ends_the_first().await;
        self.racing_retries_leave_one_living_token().await;
        self.nothing_is_redeemed_again_once_something_was_issued().await;
        self.spent_proofs_go_with_their_time().await;
    }

    pub(super) async fn used(&self) -> UsedJti {
        used(self.now()).await
    }

    fn bound(&self, id: OfferId) -> Redemption {
        let (bound_to, client_key) = (Some(Self::thumbprint()), Some(Self::thumbprint()));
        Redemption { bound_to, client_key, ..self.redemption(id) }
    }

    /// Opens an offer and redeems it for a key.
    async fn redeemed_by_key(&self) -> Grant {
        let grant = self.open().await;
        let (redemption, used) = (self.bound(grant.id), [self.used().await]);
        let outcome = self.store.redeem_proved(&grant, &redemption, &used).await.unwrap();
        assert_eq!(outcome, Redeemed::Redeemed);
        self.grant(grant.id).await
    }

    /// DEP-06: what a token is bound to must be known wherever it is used.
    async fn a_token_stays_bound(&self) {
        let grant = self.open().await;
        let wanted = self.bound(grant.id);
        let used = [self.used().await, self.used().await];
        let outcome = self.store.redeem_proved(&grant, &wanted, &used).await.unwrap();
        assert_eq!(outcome, Redeemed::Redeemed);
        let read = self.grant(grant.id).await.redemption.unwrap();
        assert_eq!(format!("{read:?}"), format!("{wanted:?}"));
        assert!(read.bound_to == wanted.bound_to && read.client_key == wanted.client_key);
        assert!(read.token_digest == wanted.token_digest);
        let plain = self.open().await;
        let wanted = self.bound(plain.id);
        assert!(self.store.redeem(&plain, &wanted).await.unwrap());
        let read = self.grant(plain.id).await.redemption.unwrap();
        assert_eq!(read.bound_to, wanted.bound_to, "no binding is lost, whichever way");
        let bearer = self.redeemed().await.redemption.unwrap();
        assert_eq!((bearer.bound_to, bearer.client_key), (None, None));
    }

    /// RFC 9449 §11.1, D05
    async fn a_proof_is_spent_with_the_code_or_not_at_all(&self) {
        let used = [self.used().await];
        let (first, second) = (self.open().await, self.open().await);
        assert!(self.store.count_wrong_tx_code(&first).await.unwrap());
        let redeem = async |seen: &Grant| {
            self.store.redeem_proved(seen, &self.bound(seen.id), &used).await.unwrap()
        };
        assert_eq!(redeem(&first).await, Redeemed::Changed, "a guess came between");
        let first = self.grant(first.id).await;
        assert_eq!(redeem(&first).await, Redeemed::Redeemed, "what is refused spends nothing");
        assert_eq!(redeem(&second).await, Redeemed::Replayed);
        assert!(self.grant(second.id).await.redemption.is_none(), "the code is kept");
        let fresh = [self.used().await];
        let late = Redemption { at: second.expires_at, ..self.bound(second.id) };
        let outcome = self.store.redeem_proved(&second, &late, &fresh).await.unwrap();
        assert_eq!(outcome, Redeemed::Changed, "it has expired");
        let pair = [fresh[0], used[0]];
        let bound = self.bound(second.id);
        let outcome = self.store.redeem_proved(&second, &bound, &pair).await.unwrap();
        assert_eq!(outcome, Redeemed::Replayed, "one of two came before");
        let outcome = self.store.redeem_proved(&second, &bound, &fresh).await.unwrap();
        assert_eq!(outcome, Redeemed::Redeemed);
        let outcome = self.store.redeem_proved(&second, &bound, &[self.used().await]).await;
        assert_eq!(outcome.unwrap(), Redeemed::Changed, "a code is redeemed once");
    }

    async fn a_proof_comes_once_to_racing_requests(&self) {
        let used = [self.used().await];
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (store, grant) = (Arc::clone(&self.store), self.open().await);
            let redemption = self.bound(grant.id);
            racers.spawn(
                async move { store.redeem_proved(&grant, &redemption, &used).await.unwrap() },
            );
        }
        let outcomes = racers.join_all().await;
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((count(Redeemed::Redeemed), count(Redeemed::Replayed)), (1, 49));
    }

    async fn a_proof_is_spent_with_an_issuance_or_not_at_all(&self) {
        let (grant, key, now) = (self.redeemed_by_key().await, Self::thumbprint(), self.now());
        let used = self.used().await;
        let record = |grant, used| Record { used, ..Self::record(grant, &key) };
        let nonce = self.nonce();
        let first = record(&grant, Some(used));
        let outcome = self.store.record_issuance(&first, &[nonce], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::Recorded);
        let grant = self.grant(grant.id).await;
        let again = record(&grant, Some(used));
        let fresh = self.nonce();
        let outcome = self.store.record_issuance(&again, &[fresh], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::Replayed);
        let other = record(&grant, Some(self.used().await));
        let outcome = self.store.record_issuance(&other, &[nonce], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::NonceSpent, "that proof was new");
        let outcome = self.store.record_issuance(&other, &[fresh], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::Recorded, "what is refused spends nothing");
    }

    async fn another_token_ends_the_first(&self) {
        let first = self.redeemed_by_key().await;
        let seen = first.redemption.clone().unwrap();
        let again = Redemption {
            token_digest: self.redemption(first.id).token_digest,
            token_expires_at: seen.token_expires_at.plus(5),
            ..seen.clone()
        };
        let used = [self.used().await];
        let outcome = self.store.redeem_again(&first, &again, &used).await.unwrap();
        assert_eq!(outcome, Redeemed::Redeemed);
        let read = self.grant(first.id).await;
        let redemption = read.redemption.clone().unwrap();
        assert!(redemption.token_digest == again.token_digest);
        assert_eq!(format!("{redemption:?}"), format!("{again:?}"), "nothing else has changed");
        let record = Self::record(&first, &Self::thumbprint());
        let outcome = self.store.record_issuance(&record, &[], &[], self.now()).await.unwrap();
        assert_eq!(outcome, Recorded::Changed, "the first token is dead");
        let more = Redemption { token_digest: seen.token_digest, ..again };
        let outcome = self.store.redeem_again(&first, &more, &[self.used().await]).await.unwrap();
        assert_eq!(outcome, Redeemed::Changed, "another token came between");
        let outcome = self.store.redeem_again(&read, &more, &used).await.unwrap();
        assert_eq!(outcome, Redeemed::Replayed);
        assert!(self.store.withdraw_offer(read.id, self.now()).await.unwrap());
        let outcome = self.store.redeem_again(&read, &more, &[self.used().await]).await.unwrap();
        assert_eq!(outcome, Redeemed::Changed, "withdrawn");
        let open = self.open().await;
        let bound = self.bound(open.id);
        let outcome = self.store.redeem_again(&open, &bound, &[self.used().await]).await.unwrap();
        assert_eq!(outcome, Redeemed::Changed, "there is no first token");
    }

    /// Whoever wins, there is one living token, and it is the winner's.
    async fn racing_retries_leave_one_living_token(&self) {
        let seen = self.redeemed_by_key().await;
        let first = seen.redemption.clone().unwrap();
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..RACERS {
            let (store, seen) = (Arc::clone(&self.store), seen.clone());
            let token_digest = self.redemption(seen.id).token_digest;
            let again = Redemption { token_digest, ..first.clone() };
            let used = [self.used().await];
            racers.spawn(async move {
                let outcome = store.redeem_again(&seen, &again, &used).await.unwrap();
                (outcome == Redeemed::Redeemed).then_some(token_digest)
            });
        }
        let winners: Vec<_> = racers.join_all().await.into_iter().flatten().collect();
        let living = self.grant(seen.id).await.redemption.unwrap();
        assert_eq!(winners.len(), 1);
        assert!(winners == [living.token_digest]);
    }

    async fn nothing_is_redeemed_again_once_something_was_issued(&self) {
        let seen = self.redeemed_by_key().await;
        let record = Self::record(&seen, &Self::thumbprint());
        self.store.record_issuance(&record, &[], &[], self.now()).await.unwrap();
        let again = self.bound(seen.id);
        let used = [self.used().await];
        let outcome = self.store.redeem_again(&seen, &again, &used).await.unwrap();
        assert_eq!(outcome, Redeemed::Changed);
        let kept = self.grant(seen.id).await.redemption.unwrap();
        assert!(kept.token_digest == seen.redemption.unwrap().token_digest);
    }

    async fn spent_proofs_go_with_their_time(&self) {
        let (grant, used) = (self.open().await, [self.used().await]);
        let bound = self.bound(grant.id);
        self.store.redeem_proved(&grant, &bound, &used).await.unwrap();
        let end = used[0].marks().into_iter().map(|mark| mark.expires_at).max().unwrap();
        let before = PurgeBefore { now: end, ..self.purge_before(self.now()) };
        self.purge(&before).await;
        let other = self.open().await;
        let bound = self.bound(other.id);
        let outcome = self.store.redeem_proved(&other, &bound, &used).await.unwrap();
        assert_eq!(outcome, Redeemed::Replayed, "it is remembered as long as it could come");
        let after = PurgeBefore { now: end.plus(1), ..before };
        assert!(self.purge(&after).await >= 1);
        let outcome = self.store.redeem_proved(&other, &bound, &used).await.unwrap();
        assert_eq!(outcome, Redeemed::Redeemed, "nothing of it is left");
    }
}

//! The contract of the issuer's store: every engine passes the same checks.

use std::sync::Arc;

use issuer::store::{Idempotency, NewOffer, OfferPage, Opened, PurgeBefore, Recorded, Store};
use keys::algorithm::Algorithm;
use keys::digest::MacKey;
use keys::outside::{Clock as _, Random, Timestamp};
use keys::public_key::Thumbprint;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::credential::{Beside, Record};
use oid4vci::grant::{Grant, OfferState, Redemption, StatusEntry};
use oid4vci::nonce::{NonceResponse, SpendableNonce};
use oid4vci::offer::OfferId;
use oid4vci::secret::{AccessToken, OfferReference, SecretDigest};
use serde_json::{Map, json};

use crate::outside::{TestClock, TestRandom};

mod account;
mod application;
mod authorization;
mod deferral;
mod elsewhere;
mod sender;
mod status;

/// Racing callers in the checks that race.
const RACERS: usize = 200;

/// An offer of ten minutes for two types.
pub fn new_offer(now: Timestamp, random: &dyn Random) -> NewOffer {
    let id = OfferId::fresh(now, random);
    let reference = OfferReference::fresh(id, random);
    let code = reference.pre_authorized_code(&MacKey::new([7; 32])).unwrap();
    let ids = vec!["student_card".into(), "diploma".into()];
    let digests = (reference.digest(), code.digest());
    NewOffer {
        grant: Grant::fresh(id, ids, (now, now.plus(600)), digests),
        datasets: Map::from_iter([("student_card".to_owned(), json!({ "name": "Ada" }))]),
        idempotency: None,
        application: None,
        issuer_state: None,
        for_account: None,
    }
}

/// One engine under test; the closure opens the same database again, as after a restart.
pub struct Contract {
    store: Arc<dyn Store>,
    clock: TestClock,
    random: TestRandom,
}

impl Contract {
    /// Holds an empty store to the whole contract.
    pub async fn check(store: Arc<dyn Store>) {
        let contract = Self { store, clock: TestClock::new(), random: TestRandom::new(1) };
        contract.an_offer_is_read_as_it_was_opened().await;
        contract.an_unknown_offer_is_not_there().await;
        contract.fetching_is_noted_once().await;
        contract.a_code_yields_one_token_to_racing_requests().await;
        contract.racing_guesses_count_one_by_one().await;
        contract.what_was_seen_must_still_hold().await;
        contract.an_issuance_is_recorded_with_its_nonces_or_not_at_all().await;
        contract.several_configurations_are_recorded_in_their_order().await;
        contract.a_nonce_is_spent_once_by_racing_requests().await;
        contract.withdrawing_ends_code_and_token().await;
        contract.an_idempotency_key_finds_the_first_offer().await;
        contract.lists_agree_with_the_rules().await;
        contract.applications_hold().await;
        contract.purging_takes_what_nobody_needs().await;
        contract.what_is_issued_later_holds().await;
        contract.status_lists_hold().await;
        contract.senders_hold().await;
        contract.authorizations_hold().await;
        contract.accounts_hold().await;
        contract.what_comes_from_elsewhere_holds().await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn new_offer(&self) -> NewOffer {
        new_offer(self.now(), &self.random)
    }

    async fn open(&self) -> Grant {
        let offer = self.new_offer();
        let id = offer.grant.id;
        assert_eq!(self.store.open_offer(offer).await.unwrap(), Opened::Opened);
        self.grant(id).await
    }

    async fn grant(&self, id: OfferId) -> Grant {
        self.store.grant(id).await.unwrap().unwrap()
    }

    fn redemption(&self, id: OfferId) -> Redemption {
        Redemption {
            at: self.now(),
            token_digest: AccessToken::fresh(id, &self.random).digest(),
            token_expires_at: self.now().plus(300),
            credential_configuration_ids: vec!["student_card".into()],
            by_identifier: true,
            client_id: Some("wallet".into()),
            bound_to: None,
            client_key: None,
        }
    }

    async fn redeemed(&self) -> Grant {
        let grant = self.open().await;
        assert!(self.store.redeem(&grant, &self.redemption(grant.id)).await.unwrap());
        self.grant(grant.id).await
    }

    fn nonce(&self) -> SpendableNonce {
        let (issuer, key) = ("https://issuer.example", MacKey::new([8; 32]));
        let text = NonceResponse::fresh(issuer, &key, self.now(), &self.random).c_nonce;
        SpendableNonce::parse(&text, issuer, &key, self.now()).unwrap()
    }

    fn record<'g>(grant: &'g Grant, thumbprint: &Thumbprint) -> Record<'g> {
        Record {
            grant,
            credential_configuration_id: "student_card",
            thumbprints: vec![Some(thumbprint.clone())],
            beside: Vec::new(),
            used: None,
        }
    }

    fn thumbprint() -> Thumbprint {
        SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().thumbprint()
    }

    async fn an_offer_is_read_as_it_was_opened(&self) {
        let mut offer = self.new_offer();
        offer.grant.tx_code_digest = Some(oid4vci::secret::TxCodeDigest([9; 32]));
        offer.grant.dialect = oid4vci::legacy::Dialect::parse("13");
        let (wanted, datasets) = (offer.grant.clone(), offer.datasets.clone());
        self.store.open_offer(offer).await.unwrap();
        let read = self.grant(wanted.id).await;
        assert_eq!(format!("{read:?}"), format!("{wanted:?}"));
        assert!(read.code_digest == wanted.code_digest);
        assert!(read.reference_digest == wanted.reference_digest);
        assert!(read.tx_code_digest == wanted.tx_code_digest);
        assert_eq!(self.store.datasets(wanted.id).await.unwrap(), Some(datasets));
    }

    async fn an_unknown_offer_is_not_there(&self) {
        let id = OfferId::fresh(self.now(), &self.random);
        assert!(self.store.grant(id).await.unwrap().is_none());
        assert!(self.store.datasets(id).await.unwrap().is_none());
        assert!(!self.store.withdraw_offer(id, self.now()).await.unwrap());
    }

    async fn fetching_is_noted_once(&self) {
        let id = self.open().await.id;
        let first = self.now();
        self.store.note_fetched(id, first).await.unwrap();
        self.store.note_fetched(id, first.plus(5)).await.unwrap();
        assert_eq!(self.grant(id).await.fetched_at, Some(first));
    }

    /// VCI §13.6.1: whoever wins, there is one token, and it is the winner's.
    async fn a_code_yields_one_token_to_racing_requests(&self) {
        let grant = self.open().await;
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..RACERS {
            let (store, grant) = (Arc::clone(&self.store), grant.clone());
            let redemption = self.redemption(grant.id);
            racers.spawn(async move {
                let won = store.redeem(&grant, &redemption).await.unwrap();
                won.then_some(redemption.token_digest)
            });
        }
        let winners: Vec<SecretDigest> = racers.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        let redemption = self.grant(grant.id).await.redemption.unwrap();
        assert!(winners == [redemption.token_digest]);
        assert_eq!(redemption.credential_configuration_ids, ["student_card"]);
        assert!(redemption.by_identifier);
        assert_eq!(redemption.client_id.as_deref(), Some("wallet"));
    }

    /// VCI §13.6.3: of those who saw the same count one is counted, the others must look again.
    async fn racing_guesses_count_one_by_one(&self) {
        let grant = self.open().await;
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..RACERS {
            let (store, grant) = (Arc::clone(&self.store), grant.clone());
            racers.spawn(async move { store.count_wrong_tx_code(&grant).await.unwrap() });
        }
        let counted = racers.join_all().await.into_iter().filter(|counted| *counted).count();
        assert_eq!((counted, self.grant(grant.id).await.attempts), (1, 1));
    }

    async fn what_was_seen_must_still_hold(&self) {
        let seen = self.open().await;
        assert!(self.store.count_wrong_tx_code(&seen).await.unwrap());
        let redemption = self.redemption(seen.id);
        assert!(!self.store.redeem(&seen, &redemption).await.unwrap(), "a guess came between");
        let seen = self.grant(seen.id).await;
        let late = Redemption { at: seen.expires_at, ..redemption.clone() };
        assert!(!self.store.redeem(&seen, &late).await.unwrap(), "it has expired");
        assert!(self.store.redeem(&seen, &redemption).await.unwrap());
        assert!(!self.store.redeem(&seen, &redemption).await.unwrap(), "it was spent");
        assert!(
            !self.store.count_wrong_tx_code(&seen).await.unwrap(),
            "a spent code has no guesses"
        );
    }

    async fn an_issuance_is_recorded_with_its_nonces_or_not_at_all(&self) {
        let grant = self.redeemed().await;
        let (key, nonce, now) = (Self::thumbprint(), self.nonce(), self.now());
        let record = Self::record(&grant, &key);
        let outcome = self.store.record_issuance(&record, &[nonce], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::Recorded);
        let issued = self.grant(grant.id).await.issued;
        assert_eq!(issued.len(), 1);
        assert_eq!(issued[0].thumbprint.as_ref(), Some(&key));
        assert_eq!(issued[0].credential_configuration_id, "student_card");
        let outcome = self.store.record_issuance(&record, &[self.nonce()], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::Changed, "something was issued meanwhile");
        let grant = self.grant(grant.id).await;
        let record = Self::record(&grant, &key);
        let (fresh, again) = (self.nonce(), nonce);
        let outcome = self.store.record_issuance(&record, &[fresh, again], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::NonceSpent);
        assert_eq!(self.grant(grant.id).await.issued.len(), 1);
        let outcome = self.store.record_issuance(&record, &[fresh], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::Recorded, "a refused request spends no nonce");
        let grant = self.grant(grant.id).await;
        let late = grant.redemption.as_ref().unwrap().token_expires_at;
        let record = Self::record(&grant, &key);
        let outcome = self.store.record_issuance(&record, &[], &[], late).await.unwrap();
        assert_eq!(outcome, Recorded::Changed, "the token has expired");
    }

    async fn several_configurations_are_recorded_in_their_order(&self) {
        let grant = self.redeemed().await;
        let keys = [Self::thumbprint(), Self::thumbprint()];
        let beside = Beside {
            credential_configuration_id: "diploma",
            thumbprints: vec![Some(keys[1].clone()), None],
        };
        let record = Record { beside: vec![beside], ..Self::record(&grant, &keys[0]) };
        let entry = StatusEntry { list: 9, idx: 7 };
        let outcome = self.store.record_issuance(&record, &[], &[entry], self.now()).await.unwrap();
        assert_eq!(outcome, Recorded::Recorded);
        let issued = self.grant(grant.id).await.issued;
        let seen: Vec<_> = issued
            .iter()
            .map(|one| (one.credential_configuration_id.as_str(), &one.thumbprint, one.entry))
            .collect();
        let [first, second] = keys.map(Some);
        let wanted = [
            ("student_card", &first, Some(entry)),
            ("diploma", &second, None),
            ("diploma", &None, None),
        ];
        assert_eq!(seen, wanted);
    }

    async fn a_nonce_is_spent_once_by_racing_requests(&self) {
        let nonce = self.nonce();
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (store, grant) = (Arc::clone(&self.store), self.redeemed().await);
            let now = self.now();
            racers.spawn(async move {
                let key = Self::thumbprint();
                store
                    .record_issuance(&Self::record(&grant, &key), &[nonce], &[], now)
                    .await
                    .unwrap()
            });
        }
        let outcomes = racers.join_all().await;
        let recorded = outcomes.iter().filter(|outcome| **outcome == Recorded::Recorded).count();
        let spent = outcomes.iter().filter(|outcome| **outcome == Recorded::NonceSpent).count();
        assert_eq!((recorded, spent), (1, 49));
    }

    async fn withdrawing_ends_code_and_token(&self) {
        let now = self.now();
        let open = self.open().await;
        assert!(self.store.withdraw_offer(open.id, now).await.unwrap());
        assert!(!self.store.withdraw_offer(open.id, now).await.unwrap(), "it was before");
        assert!(!self.store.redeem(&open, &self.redemption(open.id)).await.unwrap());
        let redeemed = self.redeemed().await;
        assert!(self.store.withdraw_offer(redeemed.id, now).await.unwrap());
        let key = Self::thumbprint();
        let record = Self::record(&redeemed, &key);
        let outcome = self.store.record_issuance(&record, &[], &[], now).await.unwrap();
        assert_eq!(outcome, Recorded::Changed);
        let issued = self.redeemed().await;
        self.store.record_issuance(&Self::record(&issued, &key), &[], &[], now).await.unwrap();
        assert!(!self.store.withdraw_offer(issued.id, now).await.unwrap(), "too late");
    }

    async fn an_idempotency_key_finds_the_first_offer(&self) {
        let idempotency = Idempotency {
            key_digest: SecretDigest([1; 32]),
            request_digest: SecretDigest([2; 32]),
            expires_at: self.now().plus(60),
        };
        let mut first = self.new_offer();
        first.idempotency = Some(idempotency);
        let id = first.grant.id;
        assert_eq!(self.store.open_offer(first).await.unwrap(), Opened::Opened);
        let mut second = self.new_offer();
        second.idempotency = Some(idempotency);
        let second_id = second.grant.id;
        let outcome = self.store.open_offer(second).await.unwrap();
        assert_eq!(outcome, Opened::Repeated(id, SecretDigest([2; 32])));
        assert!(self.store.grant(second_id).await.unwrap().is_none());
    }

    /// A list narrowed to a state holds exactly those that the rule puts into that state.
    async fn lists_agree_with_the_rules(&self) {
        let attempts_max = 2;
        let fetched = self.open().await;
        self.store.note_fetched(fetched.id, self.now()).await.unwrap();
        let mut locked = self.open().await;
        for _ in 0..attempts_max {
            assert!(self.store.count_wrong_tx_code(&locked).await.unwrap());
            locked = self.grant(locked.id).await;
        }
        self.redeemed().await;
        self.deferred().await;
        for seconds in [0, 400, 600] {
            let now = self.now().plus(seconds);
            let page = |state| OfferPage { state, after: None, limit: 500, now, attempts_max };
            let all = self.store.offers(page(None)).await.unwrap();
            assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");
            for state in OfferState::ALL {
                let listed = self.store.offers(page(Some(state))).await.unwrap();
                let ids =
                    |grants: &[Grant]| grants.iter().map(|grant| grant.id).collect::<Vec<_>>();
                let wanted: Vec<Grant> = all
                    .iter()
                    .filter(|grant| grant.state(now, attempts_max) == state)
                    .cloned()
                    .collect();
                assert_eq!(ids(&listed), ids(&wanted), "{} after {seconds} s", state.name());
            }
            let first = OfferPage { limit: 2, ..page(None) };
            let first = self.store.offers(first).await.unwrap();
            let next = OfferPage { after: Some(first[1].id), limit: 1, ..page(None) };
            assert_eq!(self.store.offers(next).await.unwrap()[0].id, all[2].id);
        }
    }

    fn purge_before(&self, dead: Timestamp) -> PurgeBefore {
        let never = Timestamp(0);
        PurgeBefore {
            now: self.now(),
            claims: dead,
            applications: never,
            offers: never,
            issuances: never,
        }
    }

    async fn purge(&self, before: &PurgeBefore) -> u64 {
        self.store.purge(before, 1000).await.unwrap()
    }

    /// PRIV-03
    async fn purging_takes_what_nobody_needs(&self) {
        let grant = self.redeemed().await;
        let record = Self::record(&grant, &Self::thumbprint());
        self.store.record_issuance(&record, &[], &[], self.now()).await.unwrap();
        let living = self.new_offer();
        let living = NewOffer {
            grant: Grant { expires_at: self.now().plus(1_000_000), ..living.grant },
            ..living
        };
        let long = living.grant.id;
        self.store.open_offer(living).await.unwrap();
        self.purge(&self.purge_before(self.now())).await;
        assert!(self.store.datasets(grant.id).await.unwrap().is_some(), "the code is alive");

        let late = self.now().plus(3600);
        let before = PurgeBefore { now: late, applications: late, ..self.purge_before(late) };
        assert!(self.purge(&before).await > 0);
        assert!(self.store.datasets(grant.id).await.unwrap().is_none());
        assert!(self.store.datasets(long).await.unwrap().is_some(), "it can still be used");
        assert_eq!(self.grant(grant.id).await.issued.len(), 1, "the record stays");
        assert_eq!(self.purge(&before).await, 0);

        assert!(self.purge(&PurgeBefore { offers: late, ..before }).await > 0);
        assert!(self.store.grant(grant.id).await.unwrap().is_none());
        assert!(self.store.grant(long).await.unwrap().is_some());
        let before = PurgeBefore { offers: late, issuances: late, ..before };
        assert!(self.purge(&before).await > 0, "records have a time of their own");
        assert_eq!(self.purge(&before).await, 0);
        self.store.check().await.unwrap();
    }
}

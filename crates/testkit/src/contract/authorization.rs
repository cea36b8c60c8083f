//! The part of the contract that is about the Authorization Code Flow.

use std::collections::BTreeMap;

use issuer::store::authorization::{Allowed, AllowedOffer, Redeeming, Renewed, Renewing};
use issuer::store::{NewOffer, Opened, PurgeBefore};
use keys::outside::Timestamp;
use oid4vci::authorization::{
    AnswerTo, AuthorizationRequest, GrantedCode, RunningAuthorization, Stage,
};
use oid4vci::grant::Grant;
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::{
    AuthorizationCode, AuthorizationHandle, CodeVerifier, OfferReference, RefreshToken,
    SecretDigest,
};
use serde_json::{Map, json};

use super::{Contract, RACERS};

impl Contract {
    /// All of it.
    pub(super) async fn authorizations_hold(&self) {
        self.open_account("ada").await;
        self.a_request_is_read_as_it_was_begun().await;
        self.an_assertion_begins_one_request().await;
        self.a_handle_leads_one_browser_on().await;
        self.a_person_answers_once().await;
        self.a_password_is_answer_enough_without_a_browser().await;
        self.a_made_offer_is_taken_while_it_is_open().await;
        self.an_authorization_code_yields_tokens_once().await;
        self.tokens_are_renewed_as_they_were_seen().await;
        self.ended_tokens_are_dead().await;
        self.a_mark_is_spent_once().await;
        self.purging_keeps_what_can_be_renewed().await;
        assert!(self.store.remove_account("ada").await.unwrap());
    }

    fn request(&self) -> AuthorizationRequest {
        AuthorizationRequest {
            client_id: "wallet".into(),
            answer_to: AnswerTo { redirect_uri: "https://w.example/".into(), state: None },
            code_challenge: CodeVerifier::fresh(&self.random).challenge(),
            credential_configuration_ids: vec!["student_card".into()],
            by_identifier: true,
            scope: Some("card".into()),
            claims: BTreeMap::new(),
            dpop_jkt: None,
            offer_id: None,
            dialect: None,
            by_challenge: false,
        }
    }

    fn running(&self, stage: Stage) -> RunningAuthorization {
        let id = OfferId::fresh(self.now(), &self.random);
        RunningAuthorization {
            id,
            handle_digest: AuthorizationHandle::fresh(id, &self.random).digest(),
            expires_at: self.now().plus(90),
            stage,
            request: self.request(),
        }
    }

    pub(super) async fn begun(&self, stage: Stage) -> RunningAuthorization {
        let running = self.running(stage);
        assert!(self.store.begin_authorization(&running, &[]).await.unwrap());
        running
    }

    pub(super) fn next(&self, seen: &RunningAuthorization) -> RunningAuthorization {
        let handle_digest = AuthorizationHandle::fresh(seen.id, &self.random).digest();
        let stage = Stage::SignedIn("ada".into());
        RunningAuthorization { handle_digest, stage, ..seen.clone() }
    }

    fn code(&self, id: OfferId, running: &RunningAuthorization) -> GrantedCode {
        GrantedCode {
            digest: AuthorizationCode::fresh(id, &self.random).digest(),
            expires_at: self.now().plus(60),
            request: running.request.clone(),
            account: "ada".into(),
            is_spent: false,
        }
    }

    pub(super) fn fresh(&self, running: &RunningAuthorization) -> Allowed {
        let id = running.id;
        let digest = || OfferReference::fresh(id, &self.random).digest();
        let times = (self.now(), self.now().plus(60));
        let grant = Grant::fresh(id, vec!["student_card".into()], times, (digest(), digest()));
        let datasets = Map::from_iter([("student_card".to_owned(), json!({ "name": "Ada" }))]);
        let offer = AllowedOffer::Fresh(Box::new(grant), datasets);
        Allowed { code: self.code(id, running), offer }
    }

    /// An offer whose code is out, and that code.
    pub(super) async fn allowed(&self) -> (OfferId, SecretDigest) {
        let running = self.begun(Stage::SignedIn("ada".into())).await;
        let allowed = self.fresh(&running);
        assert!(self.store.allow_authorization(&running, &allowed, self.now()).await.unwrap());
        (running.id, allowed.code.digest)
    }

    fn marks(&self) -> Vec<SpendableNonce> {
        vec![self.nonce(), self.nonce()]
    }

    async fn a_request_is_read_as_it_was_begun(&self) {
        for stage in [Stage::Pushed, Stage::Opened, Stage::SignedIn("ada".into())] {
            let running = self.begun(stage).await;
            let read = self.store.running_authorization(running.id).await.unwrap().unwrap();
            assert_eq!(format!("{read:?}"), format!("{running:?}"));
            assert!(read.handle_digest == running.handle_digest);
        }
        let unknown = OfferId::fresh(self.now(), &self.random);
        assert!(self.store.running_authorization(unknown).await.unwrap().is_none());
        assert!(self.store.authorization(unknown).await.unwrap().is_none());
    }

    /// RFC 7523 §3
    async fn an_assertion_begins_one_request(&self) {
        let marks = self.marks();
        let (first, second) = (self.running(Stage::Pushed), self.running(Stage::Pushed));
        assert!(self.store.begin_authorization(&first, &marks).await.unwrap());
        let later = [self.nonce(), marks[1]];
        assert!(!self.store.begin_authorization(&second, &later).await.unwrap());
        assert!(self.store.running_authorization(second.id).await.unwrap().is_none());
        let unspent = [later[0]];
        assert!(
            self.store.begin_authorization(&second, &unspent).await.unwrap(),
            "both or neither"
        );
    }

    /// RFC 9126 §4
    async fn a_handle_leads_one_browser_on(&self) {
        let seen = self.begun(Stage::Pushed).await;
        let mut race = tokio::task::JoinSet::new();
        for _ in 0..RACERS {
            let (store, seen, next) = (self.store.clone(), seen.clone(), self.next(&seen));
            race.spawn(async move { store.advance_authorization(&seen, &next).await.unwrap() });
        }
        let won = race.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
        let read = self.store.running_authorization(seen.id).await.unwrap().unwrap();
        assert_eq!(read.stage, Stage::SignedIn("ada".into()));
        assert!(!self.store.deny_authorization(&seen).await.unwrap(), "the old handle is dead");
        assert!(!self.allow(&seen).await, "the old handle allows nothing");
    }

    pub(super) async fn allow(&self, seen: &RunningAuthorization) -> bool {
        self.store.allow_authorization(seen, &self.fresh(seen), self.now()).await.unwrap()
    }

    async fn a_person_answers_once(&self) {
        let denied = self.begun(Stage::Opened).await;
        assert!(self.store.deny_authorization(&denied).await.unwrap());
        assert!(!self.store.deny_authorization(&denied).await.unwrap());
        assert!(!self.allow(&denied).await);
        assert!(self.store.grant(denied.id).await.unwrap().is_none(), "both or neither");
        let running = self.begun(Stage::SignedIn("ada".into())).await;
        let mut race = tokio::task::JoinSet::new();
        for _ in 0..RACERS {
            let (store, running) = (self.store.clone(), running.clone());
            let (allowed, now) = (self.fresh(&running), self.now());
            race.spawn(
                async move { store.allow_authorization(&running, &allowed, now).await.unwrap() },
            );
        }
        let won = race.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
        let grant = self.grant(running.id).await;
        assert!(grant.signs_in && grant.redemption.is_none());
        let authorization = self.store.authorization(running.id).await.unwrap().unwrap();
        let code = authorization.code.unwrap();
        assert_eq!((code.account.as_str(), code.is_spent), ("ada", false));
        assert_eq!(code.request, running.request);
        assert!(
            self.store.datasets(running.id).await.unwrap().unwrap().contains_key("student_card")
        );
        assert!(self.store.running_authorization(running.id).await.unwrap().is_none());
    }

    /// First-Party Apps §5.2: from the question to the code, in one step.
    async fn a_password_is_answer_enough_without_a_browser(&self) {
        let mut asked = self.running(Stage::Opened);
        asked.request.by_challenge = true;
        assert!(self.store.begin_authorization(&asked, &[]).await.unwrap());
        let as_whom = |name: &str| RunningAuthorization {
            stage: Stage::SignedIn(name.into()),
            ..asked.clone()
        };
        assert!(!self.allow(&as_whom("gone")).await, "the account was removed meanwhile");
        assert!(self.allow(&as_whom("ada")).await);
        assert!(!self.allow(&as_whom("ada")).await);
        let code = self.store.authorization(asked.id).await.unwrap().unwrap().code.unwrap();
        assert!(code.request == asked.request && code.request.by_challenge);
    }

    async fn a_made_offer_is_taken_while_it_is_open(&self) {
        let offer = NewOffer {
            issuer_state: Some(SecretDigest([4; 32])),
            for_account: Some("ada".into()),
            ..self.new_offer()
        };
        let id = offer.grant.id;
        assert_eq!(self.store.open_offer(offer).await.unwrap(), Opened::Opened);
        assert!(self.grant(id).await.signs_in);
        let read = self.store.authorization(id).await.unwrap().unwrap();
        assert!(read.issuer_state_digest == Some(SecretDigest([4; 32])) && read.code.is_none());
        assert!(read.is_for("ada") && !read.is_for("eve"));
        let take = async |now: Timestamp| {
            let running = self.begun(Stage::SignedIn("ada".into())).await;
            let allowed = Allowed { code: self.code(id, &running), offer: AllowedOffer::Made(id) };
            let done = self.store.allow_authorization(&running, &allowed, now).await.unwrap();
            (done, allowed.code.digest)
        };
        let (first, replaced) = take(self.now()).await;
        let (second, code) = take(self.now()).await;
        assert!(first && second, "a person may begin again");
        assert!(!take(self.now().plus(600)).await.0, "too late");
        let redeemed = self.redeem(id, &replaced, None).await;
        assert_eq!(redeemed, Renewed::Changed, "another code has taken its place");
        assert_eq!(self.redeem(id, &code, None).await, Renewed::Done);
        assert!(!take(self.now()).await.0, "it is redeemed");
        let plain = self.open().await;
        assert!(!plain.signs_in && self.store.authorization(plain.id).await.unwrap().is_none());
        let withdrawn = NewOffer { issuer_state: Some(SecretDigest([5; 32])), ..self.new_offer() };
        let other = withdrawn.grant.id;
        self.store.open_offer(withdrawn).await.unwrap();
        assert!(self.store.withdraw_offer(other, self.now()).await.unwrap());
        let running = self.begun(Stage::SignedIn("ada".into())).await;
        let allowed =
            Allowed { code: self.code(other, &running), offer: AllowedOffer::Made(other) };
        assert!(!self.store.allow_authorization(&running, &allowed, self.now()).await.unwrap());
    }

    pub(super) async fn redeem(
        &self,
        id: OfferId,
        code_digest: &SecretDigest,
        refresh: Option<&RefreshChain>,
    ) -> Renewed {
        let redemption = self.redemption(id);
        let redeeming = Redeeming { id, code_digest, redemption: &redemption, refresh };
        self.store.redeem_authorization_code(&redeeming, &self.marks()).await.unwrap()
    }

    /// RFC 6749 §4.1.2
    async fn an_authorization_code_yields_tokens_once(&self) {
        let (id, code) = self.allowed().await;
        assert_eq!(self.redeem(id, &SecretDigest([9; 32]), None).await, Renewed::Changed);
        let chain = self.chain(id);
        let mut race = tokio::task::JoinSet::new();
        for _ in 0..RACERS {
            let (store, redemption, chain) =
                (self.store.clone(), self.redemption(id), chain.clone());
            race.spawn(async move {
                let refresh = Some(&chain);
                let redemption = &redemption;
                let redeeming = Redeeming { id, code_digest: &code, redemption, refresh };
                store.redeem_authorization_code(&redeeming, &[]).await.unwrap()
            });
        }
        let outcomes = race.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Renewed::Done).count(), 1);
        assert!(outcomes.iter().all(|outcome| *outcome != Renewed::Replayed));
        let read = self.store.authorization(id).await.unwrap().unwrap();
        assert!(read.code.unwrap().is_spent);
        assert_eq!(format!("{:?}", read.refresh.unwrap()), format!("{chain:?}"));
        let (id, code) = self.allowed().await;
        let marks = self.marks();
        let redemption = self.redemption(id);
        let redeeming =
            Redeeming { id, code_digest: &code, redemption: &redemption, refresh: None };
        assert!(
            self.store.begin_authorization(&self.running(Stage::Pushed), &marks).await.unwrap()
        );
        let replayed = self.store.redeem_authorization_code(&redeeming, &marks).await.unwrap();
        assert_eq!(replayed, Renewed::Replayed);
        assert_eq!(self.redeem(id, &code, None).await, Renewed::Done, "nothing was written");
        let (id, code) = self.allowed().await;
        self.clock.advance(60);
        assert_eq!(self.redeem(id, &code, None).await, Renewed::Changed, "too late");
    }

    pub(super) fn chain(&self, id: OfferId) -> RefreshChain {
        let digest = RefreshToken::fresh(id, &self.random).digest();
        RefreshChain::first(digest, self.now(), self.now().plus(3600), Some(Self::thumbprint()))
    }

    pub(super) async fn with_tokens(&self) -> (Grant, RefreshChain) {
        let (id, code) = self.allowed().await;
        let chain = self.chain(id);
        assert_eq!(self.redeem(id, &code, Some(&chain)).await, Renewed::Done);
        (self.grant(id).await, chain)
    }

    /// B22
    async fn tokens_are_renewed_as_they_were_seen(&self) {
        let (grant, chain) = self.with_tokens().await;
        let token = grant.redemption.as_ref().unwrap().token_digest;
        let renew = |digest: SecretDigest| {
            let next = RefreshToken::fresh(grant.id, &self.random).digest();
            let (redemption, chain) =
                (self.redemption(grant.id), chain.renewed(chain.digest, next, self.now()));
            let (store, now, id) = (self.store.clone(), self.now(), grant.id);
            async move {
                let renewing = Renewing {
                    id,
                    seen_token: &token,
                    seen_refresh: &digest,
                    redemption: &redemption,
                    refresh: &chain,
                    now,
                };
                store.renew_tokens(&renewing, &[]).await.unwrap()
            }
        };
        assert_eq!(renew(SecretDigest([9; 32])).await, Renewed::Changed, "another refresh token");
        let mut race = tokio::task::JoinSet::new();
        for _ in 0..RACERS {
            race.spawn(renew(chain.digest));
        }
        let outcomes = race.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Renewed::Done).count(), 1);
        let read = self.store.authorization(grant.id).await.unwrap().unwrap().refresh.unwrap();
        assert!(read.replaced == Some(chain.digest) && read.expires_at == chain.expires_at);
        assert!(self.grant(grant.id).await.redemption.unwrap().token_digest != token);
    }

    /// RFC 7009 §2.1
    async fn ended_tokens_are_dead(&self) {
        let (grant, _) = self.with_tokens().await;
        self.store.end_tokens(grant.id, self.now()).await.unwrap();
        let ended = self.grant(grant.id).await.redemption.unwrap();
        assert_eq!(ended.token_expires_at, self.now());
        let before = grant.redemption.as_ref().map(|token| token.token_digest);
        assert!(before.is_some_and(|before| !before.matches(&ended.token_digest)), "nobody has it");
        let read = self.store.authorization(grant.id).await.unwrap().unwrap();
        assert!(read.refresh.is_none() && read.code.unwrap().is_spent);
        self.clock.advance(10);
        self.store.end_tokens(grant.id, self.now()).await.unwrap();
        let again = self.grant(grant.id).await.redemption.unwrap();
        assert_eq!(again.token_expires_at, ended.token_expires_at, "they do not come back");
    }

    /// RFC 9449 §11.1: all marks or none.
    async fn a_mark_is_spent_once(&self) {
        let (one, other) = (self.nonce(), self.nonce());
        assert!(self.store.spend(&[one]).await.unwrap());
        assert!(!self.store.spend(&[other, one]).await.unwrap());
        assert!(self.store.spend(&[other]).await.unwrap(), "what was refused has spent nothing");
    }

    async fn purge_all(&self) {
        let dead = self.now();
        let before = PurgeBefore { offers: dead, ..self.purge_before(dead) };
        while self.purge(&before).await > 0 {}
    }

    async fn purging_keeps_what_can_be_renewed(&self) {
        let (grant, _) = self.with_tokens().await;
        let running = self.begun(Stage::Opened).await;
        self.clock.advance(1000);
        self.purge_all().await;
        assert!(self.store.running_authorization(running.id).await.unwrap().is_none());
        assert!(self.store.datasets(grant.id).await.unwrap().is_some(), "it can be renewed");
        assert!(self.store.authorization(grant.id).await.unwrap().is_some());
        self.clock.advance(3600);
        self.purge_all().await;
        assert!(self.store.grant(grant.id).await.unwrap().is_none());
        assert!(self.store.datasets(grant.id).await.unwrap().is_none());
        assert!(self.store.authorization(grant.id).await.unwrap().is_none());
    }
}

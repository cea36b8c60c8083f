//! The part of the contract that is about applications, and the offers that answer them.

use issuer::application::{Application, ApplicationId, ApplicationSecret, ApplicationState};
use issuer::store::{ApplicationPage, Opened};
use oid4vci::offer::OfferId;
use serde_json::{Map, json};

use super::Contract;

impl Contract {
    /// All of it.
    pub(super) async fn applications_hold(&self) {
        self.applications_are_decided_once().await;
        self.an_application_has_one_offer().await;
        self.a_fresh_offer_ends_the_old_one_and_counts_on().await;
    }

    fn application(&self) -> Application {
        let id = ApplicationId(OfferId::fresh(self.now(), &self.random));
        Application {
            id,
            secret_digest: ApplicationSecret::fresh(id, &self.random).digest(),
            credential_configuration_id: "student_card".into(),
            claims: Map::from_iter([("name".to_owned(), json!("Ada"))]),
            state: ApplicationState::Waiting,
            created_at: self.now(),
            decided_at: None,
            approvals: 0,
            offer_id: None,
        }
    }

    async fn applications_are_decided_once(&self) {
        let application = self.application();
        self.store.open_application(application.clone()).await.unwrap();
        let read = self.store.application(application.id).await.unwrap().unwrap();
        assert!(read == application);
        let (yes, no) = (ApplicationState::Approved, ApplicationState::Rejected);
        assert!(self.store.decide_application(&read, yes, self.now()).await.unwrap());
        assert!(!self.store.decide_application(&read, no, self.now()).await.unwrap());
        let read = self.store.application(application.id).await.unwrap().unwrap();
        assert_eq!((read.state, read.approvals, read.decided_at), (yes, 1, Some(self.now())));
        let page = |state| ApplicationPage { state: Some(state), after: None, limit: 10 };
        assert_eq!(self.store.applications(page(yes)).await.unwrap().len(), 1);
        assert_eq!(self.store.applications(page(no)).await.unwrap().len(), 0);
    }

    async fn an_application_has_one_offer(&self) {
        let mut application = self.application();
        application.state = ApplicationState::Approved;
        self.store.open_application(application.clone()).await.unwrap();
        let (mut first, mut second) = (self.new_offer(), self.new_offer());
        let (first_id, second_id) = (first.grant.id, second.grant.id);
        first.application = Some((application.id, None));
        second.application = Some((application.id, None));
        assert_eq!(self.store.open_offer(first).await.unwrap(), Opened::Opened);
        assert_eq!(self.store.open_offer(second).await.unwrap(), Opened::Replaced);
        assert!(self.store.grant(second_id).await.unwrap().is_none());
        let read = self.store.application(application.id).await.unwrap().unwrap();
        assert_eq!(read.offer_id, Some(first_id));
    }

    /// Catalogue C04: a fresh offer gives nobody more guesses, and the old code is dead.
    async fn a_fresh_offer_ends_the_old_one_and_counts_on(&self) {
        let mut application = self.application();
        application.state = ApplicationState::Approved;
        self.store.open_application(application.clone()).await.unwrap();
        let mut first = self.new_offer();
        first.application = Some((application.id, None));
        let first_id = first.grant.id;
        self.store.open_offer(first).await.unwrap();
        assert!(self.store.count_wrong_tx_code(&self.grant(first_id).await).await.unwrap());
        let mut second = self.new_offer();
        second.application = Some((application.id, Some(first_id)));
        let second_id = second.grant.id;
        assert_eq!(self.store.open_offer(second).await.unwrap(), Opened::Opened);
        let old = self.grant(first_id).await;
        assert!(old.withdrawn_at.is_some());
        assert!(!self.store.redeem(&old, &self.redemption(first_id)).await.unwrap());
        let fresh = self.grant(second_id).await;
        assert_eq!(fresh.attempts, 1);
        assert!(self.store.redeem(&fresh, &self.redemption(second_id)).await.unwrap());
        let mut third = self.new_offer();
        third.application = Some((application.id, Some(second_id)));
        let outcome = self.store.open_offer(third).await.unwrap();
        assert_eq!(outcome, Opened::Replaced, "its token is alive");
    }
}

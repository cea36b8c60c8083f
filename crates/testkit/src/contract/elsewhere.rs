//! The part of the contract that is about what comes from elsewhere: people whom a provider signed
//! in, tokens of another authorization server, clients of the admin API.

use issuer::store::client::StoredClient;
use issuer::store::held::Held;
use keys::outside::Timestamp;
use oid4vci::authorization::{Person, Provided, RunningAuthorization, Stage};
use oid4vci::grant::{Grant, Redemption};
use oid4vci::offer::OfferId;
use oid4vci::secret::{AccessToken, SecretDigest};
use serde_json::{Map, Value, json};

use super::Contract;

/// An account of somebody who signs in elsewhere.
const THEIRS: &str = "https://login.example#1";

impl Contract {
    /// All of it.
    pub(super) async fn what_comes_from_elsewhere_holds(&self) {
        self.what_a_provider_said_is_kept_for_the_answer().await;
        self.a_token_of_another_server_is_admitted_once().await;
        self.no_token_is_admitted_beside_a_removal().await;
        self.clients_are_kept().await;
        self.an_offer_is_held_until_it_is_released().await;
    }

    /// By the next stage too, and word for word.
    async fn what_a_provider_said_is_kept_for_the_answer(&self) {
        let datasets = Map::from_iter([("student_card".to_owned(), json!({ "name": "Ada" }))]);
        let provided = Some(Provided { name: "Ada Lovelace".into(), datasets });
        let person = Person { account: "https://login.example#1".into(), provided };
        let begun = self.begun(Stage::SignedIn(person.clone())).await;
        let opened = self.begun(Stage::Opened).await;
        let next =
            RunningAuthorization { stage: Stage::SignedIn(person.clone()), ..self.next(&opened) };
        assert!(self.store.advance_authorization(&opened, &next).await.unwrap());
        for id in [begun.id, opened.id] {
            let read = self.store.running_authorization(id).await.unwrap().unwrap();
            assert!(read.stage == Stage::SignedIn(person.clone()));
        }
    }

    fn external(&self) -> Grant {
        let id = OfferId::fresh(self.now(), &self.random);
        let token = AccessToken::fresh(id, &self.random);
        let digests = (SecretDigest([1; 32]), SecretDigest([2; 32]));
        let times = (self.now(), self.now().plus(60));
        let ids = vec!["student_card".to_owned()];
        let redemption = Redemption {
            at: self.now(),
            token_digest: token.digest(),
            token_expires_at: self.now().plus(60),
            credential_configuration_ids: ids.clone(),
            by_identifier: true,
            client_id: Some("their wallet".into()),
            bound_to: Some(Self::thumbprint()),
            client_key: None,
        };
        Grant { redemption: Some(redemption), ..Grant::fresh(id, ids, times, digests) }
    }

    /// As it came, and of two requests that come first both go on.
    async fn a_token_of_another_server_is_admitted_once(&self) {
        let grant = self.external();
        let datasets = Map::from_iter([("student_card".to_owned(), json!({ "name": "Ada" }))]);
        let other = Map::from_iter([("student_card".to_owned(), json!({ "name": "Eve" }))]);
        let admit = |datasets| self.store.admit(&grant, THEIRS, datasets);
        assert!(!admit(&datasets).await.unwrap(), "who has no account has nothing");
        assert!(self.store.grant(grant.id).await.unwrap().is_none());
        self.open_account(THEIRS).await;
        let (one, two) = tokio::join!(admit(&datasets), admit(&datasets));
        assert!(one.unwrap() && two.unwrap());
        assert!(admit(&other).await.unwrap());
        let read = self.store.grant(grant.id).await.unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{grant:?}"));
        let (read, was) = (read.redemption.unwrap(), grant.redemption.unwrap());
        assert!(read.token_digest == was.token_digest && read.bound_to == was.bound_to);
        assert_eq!(self.store.datasets(grant.id).await.unwrap(), Some(datasets));
        assert!(self.store.remove_account(THEIRS).await.unwrap());
        self.assert_dead(grant.id).await;
    }

    /// Whoever is first: no token is good whose account is gone.
    async fn no_token_is_admitted_beside_a_removal(&self) {
        for _ in 0..20 {
            self.open_account(THEIRS).await;
            let grant = self.external();
            let datasets = Map::new();
            let (admitted, removed) = tokio::join!(
                self.store.admit(&grant, THEIRS, &datasets),
                self.store.remove_account(THEIRS)
            );
            admitted.unwrap();
            assert!(removed.unwrap());
            self.assert_dead(grant.id).await;
        }
    }

    /// Of those who ask, who does so too often hears it; nobody has to wait for another offer.
    async fn an_offer_is_held_until_it_is_released(&self) {
        let id = OfferId::fresh(Timestamp(1000), &self.random);
        let ask = |now| self.store.ask_held(id, 5, Timestamp(now));
        assert_eq!(ask(1000).await.unwrap(), Held::No);
        self.store.hold_offer(id, Timestamp(9000)).await.unwrap();
        self.store.hold_offer(id, Timestamp(9000)).await.unwrap();
        let (one, other) = tokio::join!(ask(1000), ask(1000));
        let mut heard = [one.unwrap(), other.unwrap()];
        heard.sort_unstable_by_key(|held| *held == Held::TooSoon);
        assert_eq!(heard, [Held::Yes, Held::TooSoon]);
        assert_eq!(ask(1004).await.unwrap(), Held::TooSoon);
        assert_eq!(ask(1005).await.unwrap(), Held::Yes);
        let other = OfferId::fresh(Timestamp(1000), &self.random);
        assert_eq!(self.store.ask_held(other, 5, Timestamp(1006)).await.unwrap(), Held::No);
        assert!(self.store.release_offer(id).await.unwrap());
        assert!(!self.store.release_offer(id).await.unwrap());
        assert_eq!(ask(1006).await.unwrap(), Held::No);
    }

    async fn clients_are_kept(&self) {
        let client = |client_id: &str, name: &str| StoredClient {
            client_id: client_id.to_owned(),
            client: json!({ "name": name }).to_string(),
            created_at: Timestamp(7),
        };
        let (first, second) = (client("https://a.example", "Ä"), client("B", "b"));
        assert!(self.store.open_client(&first).await.unwrap());
        assert!(self.store.open_client(&second).await.unwrap());
        assert!(!self.store.open_client(&client("B", "other")).await.unwrap());
        let read = self.store.client("B").await.unwrap();
        assert_eq!(read.as_deref(), Some(second.client.as_str()));
        assert_eq!(self.store.client("b").await.unwrap(), None, "byte by byte");
        let listed = self.store.clients("", 10).await.unwrap();
        assert_eq!(listed, [second.client.clone(), first.client.clone()], "by bytes");
        assert_eq!(self.store.clients("B", 10).await.unwrap(), std::slice::from_ref(&first.client));
        assert_eq!(self.store.clients("", 1).await.unwrap().len(), 1);
        assert!(self.store.remove_client("B").await.unwrap());
        assert!(!self.store.remove_client("B").await.unwrap());
        let _: Value = serde_json::from_str(&first.client).unwrap();
    }
}

//! The part of the contract that is about accounts, and about what ends with them.

use std::sync::Arc;

use issuer::account::{Account, PasswordHash};
use issuer::store::authorization::{Redeeming, Renewing};
use oid4vci::authorization::Stage;
use oid4vci::grant::Grant;
use oid4vci::offer::OfferId;
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::{RefreshToken, SecretDigest};
use serde_json::{Map, json};
use tokio::task::JoinSet;

use super::Contract;

/// Removals that race with everything an account can be in the middle of.
const RACES: usize = 12;
/// How many of each.
const OF_EACH: usize = 5;

impl Contract {
    /// All of it.
    pub(super) async fn accounts_hold(&self) {
        self.accounts_are_kept().await;
        self.with_an_account_go_its_tokens().await;
        for _ in 0..RACES {
            self.nothing_of_an_account_outlives_it_in_a_race().await;
        }
    }

    fn account(&self, name: &str) -> Account {
        Account {
            name: name.to_owned(),
            password_hash: PasswordHash::new(format!("hash of {name}")),
            datasets: Map::from_iter([("student_card".to_owned(), json!({ "name": name }))]),
            created_at: self.now(),
        }
    }

    pub(super) async fn open_account(&self, name: &str) {
        assert!(self.store.open_account(&self.account(name)).await.unwrap());
    }

    async fn accounts_are_kept(&self) {
        for name in ["bob", "ada", "Zoë"] {
            assert!(self.store.open_account(&self.account(name)).await.unwrap());
        }
        assert!(!self.store.open_account(&self.account("ada")).await.unwrap(), "one of each name");
        let read = self.store.account("ada").await.unwrap().unwrap();
        assert_eq!((read.datasets, read.created_at), (self.account("ada").datasets, self.now()));
        assert_eq!(read.password_hash.expose(), "hash of ada");
        assert!(self.store.account("Ada").await.unwrap().is_none());
        let names = self.store.accounts("", 2).await.unwrap();
        assert_eq!(names, ["Zoë", "ada"]);
        assert_eq!(self.store.accounts("ada", 2).await.unwrap(), ["bob"]);
        assert!(self.store.set_password("ada", "another").await.unwrap());
        assert!(!self.store.set_password("eve", "another").await.unwrap());
        let read = self.store.account("ada").await.unwrap().unwrap();
        assert_eq!(read.password_hash.expose(), "another");
        assert!(self.store.remove_account("ada").await.unwrap());
        assert!(!self.store.remove_account("ada").await.unwrap());
        assert!(self.store.account("ada").await.unwrap().is_none());
    }

    async fn with_an_account_go_its_tokens(&self) {
        self.open_account("ada").await;
        let (grant, _) = self.with_tokens().await;
        let (unspent, _) = self.allowed().await;
        let running = self.begun(Stage::SignedIn("ada".into())).await;
        assert!(self.store.remove_account("ada").await.unwrap());
        let before = grant.redemption.as_ref().map(|token| token.token_digest);
        let ended = self.grant(grant.id).await.redemption.unwrap();
        assert!(before.is_some_and(|before| !before.matches(&ended.token_digest)));
        let read = self.store.authorization(grant.id).await.unwrap().unwrap();
        assert!(read.refresh.is_none());
        let read = self.store.authorization(unspent).await.unwrap().unwrap();
        assert!(read.code.is_none(), "nobody has the code");
        assert!(self.store.running_authorization(running.id).await.unwrap().is_none());
        let late = self.begun(Stage::SignedIn("ada".into())).await;
        assert!(!self.allow(&late).await, "who signed in meanwhile gets nothing");
    }

    /// Whoever is first: afterwards no code, token or refresh token of the account is good.
    async fn nothing_of_an_account_outlives_it_in_a_race(&self) {
        self.open_account("ada").await;
        let (mut codes, mut tokens, mut signed_in) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..OF_EACH {
            codes.push(self.allowed().await);
            tokens.push(self.with_tokens().await);
            signed_in.push(self.begun(Stage::SignedIn("ada".into())).await);
        }
        let mut ids: Vec<OfferId> = codes.iter().map(|(id, _)| *id).collect();
        ids.extend(tokens.iter().map(|(grant, _)| grant.id));
        ids.extend(signed_in.iter().map(|running| running.id));
        let mut race = JoinSet::new();
        for code in codes {
            self.race_to_redeem(&mut race, code);
        }
        for token in tokens {
            self.race_to_renew(&mut race, token.clone());
            let (store, id, now) = (Arc::clone(&self.store), token.0.id, self.now());
            race.spawn(async move { store.end_tokens(id, now).await.unwrap() });
        }
        for running in signed_in {
            let (store, allowed, now) = (Arc::clone(&self.store), self.fresh(&running), self.now());
            race.spawn(async move {
                store.allow_authorization(&running, &allowed, now).await.unwrap();
            });
        }
        let store = Arc::clone(&self.store);
        race.spawn(async move { assert!(store.remove_account("ada").await.unwrap()) });
        race.join_all().await;
        for id in ids {
            self.assert_dead(id).await;
        }
    }

    fn race_to_redeem(&self, race: &mut JoinSet<()>, (id, code): (OfferId, SecretDigest)) {
        let (store, chain) = (Arc::clone(&self.store), self.chain(id));
        let redemption = self.redemption(id);
        race.spawn(async move {
            let refresh = Some(&chain);
            let redeeming = Redeeming { id, code_digest: &code, redemption: &redemption, refresh };
            store.redeem_authorization_code(&redeeming, &[]).await.unwrap();
        });
    }

    fn race_to_renew(&self, race: &mut JoinSet<()>, (grant, chain): (Grant, RefreshChain)) {
        let (store, id, now) = (Arc::clone(&self.store), grant.id, self.now());
        let redemption = self.redemption(id);
        let next = RefreshToken::fresh(id, &self.random).digest();
        let refresh = chain.renewed(chain.digest, next, now);
        race.spawn(async move {
            let renewing = Renewing {
                id,
                seen_token: &grant.redemption.unwrap().token_digest,
                seen_refresh: &chain.digest,
                redemption: &redemption,
                refresh: &refresh,
                now,
            };
            store.renew_tokens(&renewing, &[]).await.unwrap();
        });
    }

    pub(super) async fn assert_dead(&self, id: OfferId) {
        let Some(grant) = self.store.grant(id).await.unwrap() else { return };
        let nobodys = SecretDigest([0xff; 32]);
        let token = grant.redemption.map(|redemption| redemption.token_digest);
        assert!(token.is_none_or(|token| token == nobodys), "a token is alive");
        let beside = self.store.authorization(id).await.unwrap().unwrap();
        assert!(beside.code.is_none(), "a code is alive");
        assert!(beside.refresh.is_none(), "a refresh token is alive");
    }
}

//! Our wallet and our issuer, long after somebody signed in: tokens that are dead are renewed by the
//! wallet that got them, and what the issuer has not heard it hears after a restart.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use issuer::Issuer;
use issuer::credential_type::Approval;
use issuer::flow::deferred::approve_deferral;
use issuer::store::OfferPage;
use issuer::store::deferral::DeferralPage;
use keys::algorithm::Algorithm;
use keys::outside::{Clock as _, SystemRandom};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::client::{ClientAuthentication, ClientKey as Registered};
use oid4vci::grant::Grant;
use oid4vci::secret::AccessToken;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::sender::{CLIENT, Instance};
use testkit::sign_in::{Browser, register};
use testkit::wire::Wire;
use testkit::world::World;
use url::Url;
use wallet::Wallet;
use wallet::attestation::WalletAttestation;
use wallet::client_key::ClientKey;
use wallet::error::{Class, WalletError};
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::token::Authorized;
use wallet::http::{Http, HttpError, Request, Response};
use wallet::store::{CredentialId, FileStore, KeptToken, PendingCredential, SharedToken, Unlock};

const BACK: &str = "http://127.0.0.1:49152/cb";
const CARD: &str = "student_card";

/// Cards wait for an officer; `client_id` may sign people in.
fn deferring(client_id: &'static str) -> impl FnOnce(&mut Issuer) {
    move |issuer| {
        let card = issuer.types.get_mut(CARD).unwrap();
        (card.approval, card.tx_code) = (Approval::Deferred, false);
        register(issuer, client_id, ClientAuthentication::None);
    }
}

/// Ada signs in, and has a token.
async fn authorize(world: &World, wallet: &Wallet) -> Authorized {
    let wish = world.wish(CARD, &json!({ "grants": "authorization_code" }));
    let made: Value = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let offer = agreed::resolve(wallet, made["uri"].as_str().unwrap()).await.unwrap();
    let begun = wallet.begin_sign_in(offer, BACK).await.unwrap();
    let back = Browser::of(&world.public).allow(begun.address().as_str(), "ada").await;
    let query = Url::parse(&back).unwrap().query().unwrap().to_owned();
    wallet.finish_sign_in(begun, &query).await.unwrap()
}

async fn put_off(wallet: &Wallet, authorized: &Authorized) -> PendingCredential {
    let received = wallet.request_credentials(authorized, &KeyWish::default()).await.unwrap();
    let [pending] = received.pending() else { panic!("{received:?}") };
    pending.clone()
}

async fn approve(world: &World) {
    let page = DeferralPage { state: None, after: None, limit: 10 };
    let waiting = world.issuer.store.deferrals(page).await.unwrap().remove(0);
    approve_deferral(&world.issuer, waiting.id, None).await.unwrap();
    world.clock.advance(60);
}

async fn grant(world: &World) -> Grant {
    let now = world.clock.now();
    let page = OfferPage { state: None, after: None, limit: 1, now, attempts_max: 5 };
    world.issuer.store.offers(page).await.unwrap().remove(0)
}

/// The same wallet after its program was ended: only its folder is left.
async fn reopened(world: &World, wallet: &Wallet) -> Wallet {
    let folder = world.folder.path().join("wallet");
    let unlock = Unlock::KeyFile(FileStore::key_file(&folder));
    let store = FileStore::open(folder, unlock, Arc::new(SystemRandom)).await.unwrap();
    Wallet { store: Arc::new(store), ..wallet.clone() }
}

/// The record, whose Access Token is worth nothing any more.
async fn with_dead_token(wallet: &Wallet) -> CredentialId {
    let pending = wallet.store.pending().await.unwrap().records.remove(0);
    let seen = wallet.store.shared_token(&pending.token).await.unwrap().unwrap();
    let access_token = AccessToken::new("dead");
    let token = KeptToken { access_token, ..seen.token.clone() };
    let dead = SharedToken { token, ..seen.clone() };
    wallet.store.replace_token(&seen, dead).await.unwrap().unwrap();
    pending.id
}

/// DEFER-03, DEFER-21, TOKEN-29: by a wallet that was closed, with the key of its flow.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_wallet_renews_its_token_and_fetches_what_was_put_off() {
    let world = World::with(deferring("bestow")).await;
    world.account("ada", &[CARD]).await;
    let authorized = authorize(&world, &world.wallet).await;
    put_off(&world.wallet, &authorized).await;
    approve(&world).await;
    let wallet = reopened(&world, &world.wallet).await;
    let before = grant(&world).await.redemption.unwrap();
    let Resumed::Received(received) = wallet.resume(&with_dead_token(&wallet).await).await.unwrap()
    else {
        panic!("it is approved")
    };
    assert_eq!(wallet.keep(&received).await.unwrap().len(), 1);
    let after = grant(&world).await.redemption.unwrap();
    assert_ne!(after.token_digest, before.token_digest, "it was renewed");
    assert_eq!(after.bound_to, before.bound_to, "RFC 9449 §5: by the same key");
}

/// RFC 6749 §6: a wallet that authenticated with its own key does so again, and no other way.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_with_a_key_renews_its_own_tokens() {
    let key = Arc::new(SoftwareKey::generate(Algorithm::Es256).unwrap());
    let registered = Registered { kid: None, key: key.public_key().clone() };
    let world = World::with(|issuer| {
        deferring("bestow")(issuer);
        register(issuer, "bestow", ClientAuthentication::PrivateKeyJwt(vec![registered]));
    })
    .await;
    world.account("ada", &[CARD]).await;
    let mut wallet = world.wallet.clone();
    wallet.settings.client_key = Some(ClientKey::new(key, None));
    let authorized = authorize(&world, &wallet).await;
    put_off(&wallet, &authorized).await;
    approve(&world).await;
    let mut later = reopened(&world, &wallet).await;
    let dead = with_dead_token(&later).await;
    let own = later.settings.client_key.take();
    assert_eq!(later.resume(&dead).await.unwrap_err(), WalletError::ClientKeyNeeded);
    later.settings.client_key = own;
    assert!(matches!(later.resume(&dead).await.unwrap(), Resumed::Received(_)));
}

/// A token that is renewed while the flow goes on is renewed for what waits, too.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_kept_with_the_last_token() {
    let world = World::with(deferring("bestow")).await;
    world.account("ada", &[CARD]).await;
    let authorized = authorize(&world, &world.wallet).await;
    put_off(&world.wallet, &authorized).await;
    world.wallet.renew(&authorized).await.unwrap().unwrap();
    world.clock.advance(3600);
    approve(&world).await;
    let pending = world.wallet.store.pending().await.unwrap().records.remove(0);
    let resumed = world.wallet.resume(&pending.id).await.unwrap();
    assert!(matches!(resumed, Resumed::Received(_)));
}

/// RFC 7009 §2.1: what the issuer has ended stays ended, and the wallet asks no more.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_were_ended_end_the_wait() {
    let world = World::with(deferring("bestow")).await;
    world.account("ada", &[CARD]).await;
    let authorized = authorize(&world, &world.wallet).await;
    let pending = put_off(&world.wallet, &authorized).await;
    let id = grant(&world).await.id;
    world.issuer.store.end_tokens(id, world.clock.now()).await.unwrap();
    world.clock.advance(60);
    let error = world.wallet.resume(&pending.id).await.unwrap_err();
    assert!(matches!(error, WalletError::Ended(_)), "{error}");
    assert!(world.wallet.store.pending().await.unwrap().records.is_empty());
    assert!(world.wallet.store.keys().await.unwrap().records.is_empty());
}

/// WALATT-12: with the attestation of the same instance, and of no other.
#[tokio::test(flavor = "multi_thread")]
async fn an_attested_instance_renews_its_own_tokens() {
    let instance = Instance::default();
    let attesters = instance.attesters();
    let world = World::with(|issuer| {
        deferring(CLIENT)(issuer);
        issuer.client_attesters = Some(attesters);
        issuer.config.authorization.client_attestation_required = true;
    })
    .await;
    world.account("ada", &[CARD]).await;
    let (now, provider) = (world.clock.now().0, Arc::clone(&instance.provider));
    let other = Instance { provider: Arc::clone(&provider), ..Instance::default() };
    let mut wallet = world.wallet.clone();
    let mut sources = Vec::new();
    for instance in [instance, other] {
        let jwt = instance.attestation(now).sign(&provider).await;
        sources.push(Arc::new(WalletAttestation::new(jwt, Arc::new(instance.key)).unwrap()));
    }
    wallet.settings.attestation_source = Some(sources[0].clone());
    let authorized = authorize(&world, &wallet).await;
    put_off(&wallet, &authorized).await;
    approve(&world).await;
    let mut later = reopened(&world, &wallet).await;
    let dead = with_dead_token(&later).await;
    later.settings.attestation_source = None;
    let error = later.resume(&dead).await.unwrap_err();
    assert_eq!(error, WalletError::AttestationNeeded);
    later.settings.attestation_source = Some(sources[1].clone());
    let error = later.resume(&dead).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::OwnFault, "no_attestation"));
    assert_eq!(later.store.pending().await.unwrap().records.len(), 1, "it can still be fetched");
    later.settings.attestation_source = Some(sources[0].clone());
    assert!(matches!(later.resume(&dead).await.unwrap(), Resumed::Received(_)));
}

/// The way to the issuer, on which notifications may get lost.
#[derive(Debug)]
struct Line {
    wire: Wire,
    loses: AtomicBool,
}

#[async_trait]
impl Http for Line {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        if request.url.path().ends_with("/notification") && self.loses.load(Ordering::Relaxed) {
            return Err(HttpError::Unreachable);
        }
        Http::send(&self.wire, request).await
    }
}

/// NOTIF-01, NOTIF-11: what did not arrive before the program was ended arrives after it was begun
/// again, with the key of its token.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_hears_after_a_restart_what_it_has_not_heard() {
    let world = World::new().await;
    let line = Arc::new(Line { wire: world.public.clone(), loses: AtomicBool::new(true) });
    let wallet = Wallet { http: line.clone(), ..world.wallet.clone() };
    let offered = world.offer("course_ticket", &json!({})).await;
    let offer = agreed::resolve(&wallet, &offered.uri).await.unwrap();
    let authorized = wallet.request_token(offer, None).await.unwrap();
    let received = wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
    wallet.keep(&received).await.unwrap();
    let event = async || world.standing(&offered).await["credentials"][0]["event"].clone();
    assert_eq!(event().await, Value::Null);
    let wallet = reopened(&world, &wallet).await;
    assert_eq!(wallet.send_notices().await.unwrap(), 1, "still lost");
    line.loses.store(false, Ordering::Relaxed);
    let wallet = reopened(&world, &wallet).await;
    assert_eq!(wallet.send_notices().await.unwrap(), 0);
    assert_eq!(event().await, "credential_accepted");
    assert_eq!(wallet.send_notices().await.unwrap(), 0, "it is told once");
}

/// CRED-50, RFC 6750 §3.1: without a refresh token a dead token ends the wait; it is not asked with
/// for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_died_without_a_refresh_token_ends_the_wait() {
    let world = World::with(deferring("bestow")).await;
    let offered = world.offer(CARD, &json!({})).await;
    let offer = agreed::resolve(&world.wallet, &offered.uri).await.unwrap();
    let authorized = world.wallet.request_token(offer, None).await.unwrap();
    let pending = put_off(&world.wallet, &authorized).await;
    world.clock.advance(24 * 60 * 60);
    let Resumed::Waits(waits) = world.wallet.resume(&pending.id).await.unwrap() else {
        panic!("nobody has approved it")
    };
    let path = format!("/admin/v1/offers/{}", offered.id);
    assert_eq!(world.operator("DELETE", &path, None).await.status, 204);
    world.clock.advance(60);
    let error = world.wallet.resume(&waits.id).await.unwrap_err();
    let WalletError::Ended(refused) = &error else { panic!("{error}") };
    assert!(refused.is_dead_token());
    assert!(world.wallet.store.pending().await.unwrap().records.is_empty());
}

//! Our wallet at an issuer that is strict: what is fetched later goes out under the key that was
//! named at first (catalogue H11), and the wallet keeps that key (VCI §9.1).
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use issuer::credential_type::Approval;
use issuer::flow::deferred::approve_deferral;
use issuer::store::deferral::DeferralPage;
use keys::outside::SystemRandom;
use oid4vci::encryption::Encryption::Required;
use serde_json::json;
use testkit::agreed;
use testkit::world::World;
use wallet::Wallet;
use wallet::error::WalletError;
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::token::Authorized;
use wallet::store::{FileStore, PendingCredential, ResponseKey, Unlock};

const CARD: &str = "student_card";

async fn world(is_strict: bool) -> World {
    World::with(|issuer| {
        let card = issuer.types.get_mut(CARD).unwrap();
        (card.approval, card.tx_code) = (Approval::Deferred, false);
        issuer.config.encryption.response = Required;
        issuer.config.encryption.same_key_later = is_strict;
        issuer.encryption = issuer.config.encryption.policy().unwrap();
    })
    .await
}

async fn authorize(world: &World) -> Authorized {
    let wallet = &world.wallet;
    let offered = world.offer(CARD, &json!({})).await;
    let resolved = agreed::resolve(wallet, &offered.uri).await.unwrap();
    wallet.request_token(resolved, None).await.unwrap()
}

async fn put_off(world: &World, authorized: &Authorized, wish: &KeyWish) -> PendingCredential {
    let received = world.wallet.request_credentials(authorized, wish).await.unwrap();
    let [pending] = received.pending() else { panic!("{received:?}") };
    pending.clone()
}

async fn approve(world: &World) {
    let page = DeferralPage { state: None, after: None, limit: 10 };
    let waiting = world.issuer.store.deferrals(page).await.unwrap().remove(0);
    approve_deferral(&world.issuer, waiting.id, None).await.unwrap();
    world.clock.advance(60);
}

/// The record becomes what a thief has who stole all but the key for the answer, or what it was.
async fn with_key(wallet: &Wallet, response_key: ResponseKey) -> ResponseKey {
    let seen = wallet.store.pending().await.unwrap().records.remove(0);
    let next = PendingCredential { response_key, ..seen.clone() };
    wallet.store.replace_pending(&seen, next).await.unwrap().unwrap();
    seen.response_key
}

async fn reopened(world: &World) -> Wallet {
    let folder = world.folder.path().join("wallet");
    let unlock = Unlock::KeyFile(FileStore::key_file(&folder));
    let store = FileStore::open(folder, unlock, Arc::new(SystemRandom)).await.unwrap();
    Wallet { store: Arc::new(store), ..world.wallet.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_issuer_gives_it_under_the_first_key_alone() {
    let world = world(true).await;
    let authorized = authorize(&world).await;
    let pending = put_off(&world, &authorized, &KeyWish::default()).await;
    approve(&world).await;
    let first = with_key(&world.wallet, ResponseKey::default()).await;
    let error = world.wallet.resume(&pending.id).await.unwrap_err();
    assert_eq!(error.code(), "invalid_encryption_parameters");
    with_key(&world.wallet, first).await;
    let wallet = reopened(&world).await;
    let pending = wallet.store.pending().await.unwrap().records.remove(0);
    let Resumed::Received(received) = wallet.resume(&pending.id).await.unwrap() else {
        panic!("it is approved")
    };
    assert_eq!(wallet.keep(&received).await.unwrap().len(), 1);
}

/// DEFER-10: what VCI §9.1 says, where the operator did not ask for more.
#[tokio::test(flavor = "multi_thread")]
async fn another_issuer_takes_the_key_of_each_request() {
    let world = world(false).await;
    let authorized = authorize(&world).await;
    let pending = put_off(&world, &authorized, &KeyWish::default()).await;
    approve(&world).await;
    with_key(&world.wallet, ResponseKey::default()).await;
    let resumed = world.wallet.resume(&pending.id).await.unwrap();
    assert!(matches!(resumed, Resumed::Received(_)));
}

/// An answer that was lost is asked for again, with the same key of the holder: the last one counts,
/// and to give the other one up costs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_request_for_the_same_counts() {
    let world = world(true).await;
    let authorized = authorize(&world).await;
    let lost = put_off(&world, &authorized, &KeyWish::default()).await;
    let key = Some(lost.holder_keys.first().unwrap().kid.clone());
    let again = put_off(&world, &authorized, &KeyWish { key, ..KeyWish::default() }).await;
    approve(&world).await;
    let error = world.wallet.resume(&lost.id).await.unwrap_err();
    assert!(matches!(error, WalletError::Ended(_)), "{error}");
    let Resumed::Received(received) = world.wallet.resume(&again.id).await.unwrap() else {
        panic!("it is approved")
    };
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1, "its key is there still");
}

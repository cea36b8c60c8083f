//! Our wallet and our issuer: a credential that an officer approves days later, in a wallet that was
//! closed meanwhile (VCI §9), and what the issuer hears of it (VCI §11).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;

use issuer::credential_type::Approval;
use issuer::flow::application::{Stage, apply, view};
use issuer::flow::deferred::{approve_deferral, reject_deferral};
use issuer::store::deferral::DeferralPage;
use keys::outside::SystemRandom;
use oid4vci::deferred::DeferralId;
use oid4vci::encryption::Encryption::Required;
use oid4vci::grant::OfferState;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::by_hand::Offered;
use testkit::world::World;
use wallet::Wallet;
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::notification::delete_credential;
use wallet::flow::receipt::Received;
use wallet::store::{FileStore, PendingCredential, Unlock};

const CARD: &str = "student_card";

async fn world() -> World {
    World::with(|issuer| {
        let card = issuer.types.get_mut(CARD).unwrap();
        (card.approval, card.tx_code) = (Approval::Deferred, false);
        issuer.config.encryption.request = Required;
        issuer.config.encryption.response = Required;
        issuer.encryption = issuer.config.encryption.policy().unwrap();
    })
    .await
}

async fn receive(wallet: &Wallet, uri: &str, copies: usize) -> Received {
    let resolved = agreed::resolve(wallet, uri).await.unwrap();
    let authorized = wallet.request_token(resolved, None).await.unwrap();
    let wish = KeyWish { copies, ..KeyWish::default() };
    wallet.request_credentials(&authorized, &wish).await.unwrap()
}

/// The same wallet after its program was ended: only its folder is left.
async fn reopened(world: &World) -> Wallet {
    let folder = world.folder.path().join("wallet");
    let unlock = Unlock::KeyFile(FileStore::key_file(&folder));
    let store = FileStore::open(folder, unlock, Arc::new(SystemRandom)).await.unwrap();
    Wallet { store: Arc::new(store), ..world.wallet.clone() }
}

async fn pending(wallet: &Wallet) -> Vec<PendingCredential> {
    wallet.store.pending().await.unwrap().records
}

async fn waiting(world: &World) -> DeferralId {
    let page = DeferralPage { state: None, after: None, limit: 10 };
    world.issuer.store.deferrals(page).await.unwrap()[0].id
}

async fn events(world: &World, offered: &Offered) -> Vec<Value> {
    let standing = world.standing(offered).await;
    standing["credentials"].as_array().unwrap().iter().map(|one| one["event"].clone()).collect()
}

/// DEFER-07, DEFER-09, DEFER-10, DEFER-11, DEFER-12, DEFER-15, NOTIF-08, NOTIF-11; with a batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_was_not_ready_is_fetched_by_a_wallet_that_was_closed() {
    let world = world().await;
    let offered = world.offer(CARD, &json!({})).await;
    let received = receive(&world.wallet, &offered.uri, 3).await;
    assert_eq!((received.previews().len(), received.pending().len()), (0, 1));
    let wallet = reopened(&world).await;
    world.clock.advance(3600);
    let Resumed::Waits(_) = wallet.resume(&pending(&wallet).await[0].id).await.unwrap() else {
        panic!("nobody has approved it");
    };
    approve_deferral(&world.issuer, waiting(&world).await, None).await.unwrap();
    world.clock.advance(3 * 24 * 3600);
    let wallet = reopened(&world).await;
    let Resumed::Received(received) = wallet.resume(&pending(&wallet).await[0].id).await.unwrap()
    else {
        panic!("it is approved");
    };
    assert_eq!(received.doubt(), None);
    let kept = wallet.keep(&received).await.unwrap();
    assert_eq!((kept.len(), kept[0].copies.len()), (1, 2));
    assert!(pending(&wallet).await.is_empty());
    let accepted = json!("credential_accepted");
    assert_eq!(events(&world, &offered).await, [accepted.clone(), accepted.clone(), accepted]);
    let wallet = reopened(&world).await;
    let when =
        (keys::outside::Clock::now(&world.clock), &SystemRandom as &dyn keys::outside::Random);
    assert!(delete_credential(&*wallet.store, &kept[0].id, when).await.unwrap());
    let wallet = reopened(&world).await;
    assert_eq!(wallet.send_notices().await.unwrap(), 0);
    assert_eq!(events(&world, &offered).await[0], "credential_deleted");
}

/// DEFER-17, DEFER-18
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_is_told_no_stops_asking() {
    let world = world().await;
    let offered = world.offer(CARD, &json!({})).await;
    receive(&world.wallet, &offered.uri, 1).await;
    reject_deferral(&world.issuer, waiting(&world).await).await.unwrap();
    world.clock.advance(60);
    let error = world.wallet.resume(&pending(&world.wallet).await[0].id).await.unwrap_err();
    assert_eq!(error.code(), "credential_request_denied");
    assert!(pending(&world.wallet).await.is_empty());
    assert!(world.wallet.store.keys().await.unwrap().records.is_empty());
}

/// VCI §3.5: who applies has an offer at once; the officer decides once a wallet has asked.
#[tokio::test(flavor = "multi_thread")]
async fn an_applicant_has_an_offer_before_anybody_has_approved() {
    let world = world().await;
    let credential_type = &world.issuer.types[CARD];
    let secret = apply(&world.issuer, credential_type, credential_type.sample()).await.unwrap();
    let stage = async || view(&world.issuer, secret.expose()).await.unwrap().unwrap().stage;
    let Stage::Offer(offer) = stage().await else { panic!("there is an offer") };
    receive(&world.wallet, &offer.uri, 1).await;
    let Stage::Offer(offer) = stage().await else { panic!("it stays") };
    assert_eq!(offer.state, OfferState::Deferred);
    world.clock.advance(3600);
    let Stage::Offer(offer) = stage().await else { panic!("the token's end changes nothing") };
    assert_eq!(offer.state, OfferState::Deferred);
    approve_deferral(&world.issuer, waiting(&world).await, None).await.unwrap();
    let Resumed::Received(received) =
        world.wallet.resume(&pending(&world.wallet).await[0].id).await.unwrap()
    else {
        panic!("it is approved");
    };
    world.wallet.keep(&received).await.unwrap();
    let Stage::Offer(offer) = stage().await else { panic!("it was issued") };
    assert_eq!(offer.state, OfferState::Issued);
}

//! Several programs use one wallet, and any of them may be ended in the middle: what is still to come
//! comes to one of them, is kept once, and is never lost between them.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wallet::error::WalletError;
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::receipt::Received;
use wallet::store::{PendingCredential, Store as _, StoreError};
use world::{Answer, ISSUER_METADATA, NOW, Proof, TOKEN, World, endpoint, issuer_metadata};

const LATER: &str = "deferred";
const TELL: &str = "notification";
const REFRESH: &str = "refresh-canary-1";
const BUSY: WalletError = WalletError::Store(StoreError::Busy);
/// After so many turns of the one the other begins; by then the one is done.
const LATEST: usize = 30;
/// Longer than a program has a record for itself.
const LONG: u64 = 20 * 60;

/// So many cards are put off, under one token; by now they are ready.
async fn put_off(count: usize) -> (World, Vec<PendingCredential>) {
    let world = World::new();
    let mut metadata = issuer_metadata();
    metadata["deferred_credential_endpoint"] = endpoint(LATER).into();
    metadata["notification_endpoint"] = endpoint(TELL).into();
    let configurations = &mut metadata["credential_configurations_supported"];
    configurations["other_card"] = configurations["student_card"].clone();
    world.network.says(ISSUER_METADATA, 200, metadata);
    world.network.says(&endpoint(TELL), 204, Value::Null);
    let mut token = world::token();
    token["refresh_token"] = json!(REFRESH);
    world.network.says(&endpoint("token"), 200, token);
    world.network.on(&endpoint("credential"), |sent| {
        let jwk = Proof::of(sent).cnf()["jwk"].to_string();
        Answer::Json(202, json!({ "transaction_id": jwk, "interval": 60 }))
    });
    let authorized = world.authorize(&["student_card", "other_card"][..count]).await;
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    let pending = received.unwrap().pending().to_vec();
    world.clock.to(60);
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint(LATER), move |sent| issued(&issuer, sent));
    (world, pending)
}

/// The card for the key that the transaction is named by here.
fn issued(issuer: &world::SigningKey, sent: &world::Sent) -> Answer {
    let jwk: Value = serde_json::from_str(sent.json()["transaction_id"].as_str().unwrap()).unwrap();
    let card = issuer.student_card(&json!({ "jwk": jwk }), |_, _| {});
    let credentials = json!([{ "credential": card }]);
    Answer::Json(200, json!({ "credentials": credentials, "notification_id": "n" }))
}

/// DEFER-05: an issuer that gives it once, and from then on knows nothing of it.
fn gives_once(world: &World) {
    let (issuer, asked) = (Arc::clone(&world.issuer), AtomicUsize::new(0));
    world.network.on(&endpoint(LATER), move |sent| {
        if asked.fetch_add(1, Ordering::Relaxed) > 0 {
            return Answer::Json(400, json!({ "error": "invalid_transaction_id" }));
        }
        issued(&issuer, sent)
    });
}

async fn received(world: &World, pending: &PendingCredential) -> Received {
    let resumed = world.wallet.resume(&pending.id).await.unwrap();
    let Resumed::Received(received) = resumed else { panic!("{resumed:?}") };
    received
}

/// One card with its key, and nothing left to do.
async fn one_card_is_kept(world: &World) {
    let held = world.stored();
    assert_eq!(held.len(), 1);
    let key = &held[0].holder_key.as_ref().unwrap().kid;
    assert!(world.store.key(key).await.unwrap().is_some(), "with its key");
    assert!(world.store.pending.lock().unwrap().is_empty());
    assert!(world.store.tokens.lock().unwrap().is_empty(), "no token is kept for nothing");
}

fn told(world: &World) -> Vec<Value> {
    let sent = world.network.sent_to(&endpoint(TELL));
    sent.iter().map(|sent| sent.json()["event"].clone()).collect()
}

/// So many turns are those of others.
async fn turns(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// Two programs, the other one so much later: one is first, whichever, and the other one is not told
/// anything that is not so.
async fn both_resume(
    world: &World,
    (one, other): (&PendingCredential, &PendingCredential),
    late: usize,
) {
    let (first, second) = (world.wallet.clone(), world.wallet.clone());
    let later = async {
        turns(late).await;
        second.resume(&other.id).await
    };
    let (one, other) = tokio::join!(first.resume(&one.id), later);
    let (first, second) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(matches!(first.unwrap(), Resumed::Received(_)));
    assert!(matches!(second, Ok(Resumed::Received(_)) | Err(BUSY)), "{late}: {second:?}");
}

/// DEFER-05, DEFER-18: to the second one it looks as if it would never come.
#[tokio::test]
async fn two_programs_that_ask_at_once_lose_nothing() {
    for late in 0..LATEST {
        let (world, pending) = put_off(1).await;
        gives_once(&world);
        both_resume(&world, (&pending[0], &pending[0]), late).await;
        let received = received(&world, &pending[0]).await;
        world.wallet.keep(&received).await.unwrap();
        one_card_is_kept(&world).await;
    }
}

/// What a program has in its hand is old; what counts is in the store.
#[tokio::test]
async fn an_old_copy_is_not_acted_upon() {
    let (world, pending) = put_off(1).await;
    gives_once(&world);
    received(&world, &pending[0]).await;
    let received = received(&world, &pending[0]).await;
    assert_eq!(world.network.sent_to(&endpoint(LATER)).len(), 1, "it came already");
    world.wallet.keep(&received).await.unwrap();
    let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
    assert_eq!(error, WalletError::NoLongerPending);
    assert!(!world.wallet.forget_pending(&pending[0].id).await.unwrap());
    one_card_is_kept(&world).await;
}

/// RFC 9700 §4.14.2: a refresh token that comes a second time may end all that came of it.
#[tokio::test]
async fn two_programs_renew_a_token_once() {
    for late in 0..LATEST {
        let (world, pending) = put_off(2).await;
        assert_eq!(world.store.tokens.lock().unwrap().len(), 1, "one record for both");
        renews(&world);
        both_resume(&world, (&pending[0], &pending[1]), late).await;
        for pending in &pending {
            received(&world, pending).await;
        }
        assert_eq!(world.network.sent_to(&endpoint("token")).len(), 2, "the first, and one more");
    }
}

/// The first Access Token is dead, its refresh token good.
fn renews(world: &World) {
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint(LATER), move |sent| match sent.headers["authorization"].as_str() {
        "Bearer fresh" => issued(&issuer, sent),
        _ => Answer::Json(401, json!({ "error": "invalid_token" })),
    });
    let renewed =
        json!({ "access_token": "fresh", "token_type": "Bearer", "refresh_token": "next" });
    world.network.on(&endpoint("token"), move |sent| match sent.form()["refresh_token"].as_str() {
        REFRESH => Answer::Json(200, renewed.clone()),
        _ => Answer::Json(400, json!({ "error": "invalid_grant" })),
    });
}

/// Who comes late is not told that it is here, and takes nothing away.
#[tokio::test]
async fn what_one_program_keeps_the_other_neither_keeps_again_nor_declines() {
    let (world, pending) = put_off(1).await;
    let (one, other) = (received(&world, &pending[0]).await, received(&world, &pending[0]).await);
    let kept = world.wallet.keep(&one).await.unwrap();
    let again = world.wallet.keep(&other).await.unwrap();
    assert_eq!(kept[0].id, again[0].id);
    world.wallet.decline(&other).await;
    one_card_is_kept(&world).await;
    assert_eq!(told(&world), ["credential_accepted"], "once, and nothing else");
}

/// The same the other way round.
#[tokio::test]
async fn what_one_program_declines_the_other_does_not_keep() {
    let (world, pending) = put_off(1).await;
    let (one, other) = (received(&world, &pending[0]).await, received(&world, &pending[0]).await);
    world.wallet.decline(&one).await;
    assert_eq!(world.wallet.keep(&other).await.unwrap_err(), WalletError::NoLongerPending);
    assert_eq!((world.stored().len(), world.stored_keys()), (0, 0));
    assert_eq!(told(&world), ["credential_deleted"]);
}

/// A program was ended between the card and the record of what was to come: the no is on both.
#[tokio::test]
async fn what_was_stored_in_part_is_declined_as_a_whole() {
    let (world, pending) = put_off(1).await;
    let received = received(&world, &pending[0]).await;
    let begun = received.previews()[0].credential().clone();
    world.store.save_credential(begun).await.unwrap();
    world.wallet.decline(&received).await;
    assert_eq!((world.stored().len(), world.stored_keys()), (0, 0));
    assert_eq!(told(&world), ["credential_deleted"]);
}

#[tokio::test]
async fn to_keep_and_to_decline_at_once_is_one_of_both() {
    let (world, pending) = put_off(1).await;
    let (one, other) = (received(&world, &pending[0]).await, received(&world, &pending[0]).await);
    let (first, second) = (world.wallet.clone(), world.wallet.clone());
    match tokio::join!(first.keep(&one), second.decline(&other)).0 {
        Ok(kept) => {
            assert_eq!((kept.len(), told(&world)), (1, vec![json!("credential_accepted")]));
            one_card_is_kept(&world).await;
        }
        Err(error) => {
            assert_eq!((error, told(&world)), (BUSY, vec![json!("credential_deleted")]));
            assert_eq!((world.stored().len(), world.stored_keys()), (0, 0));
        }
    }
}

/// Two that wait with one key of the holder's: to give one up does not take the key of the other,
/// whenever that becomes a credential.
#[tokio::test]
async fn to_decline_one_does_not_cost_the_key_of_the_other() {
    for late in 0..LATEST {
        let (world, pending) = put_off(2).await;
        let keys = pending[1].holder_keys.clone();
        world.store.pending.lock().unwrap().get_mut(&pending[0].id).unwrap().holder_keys = keys;
        let received = received(&world, &pending[1]).await;
        let (first, second) = (world.wallet.clone(), world.wallet.clone());
        let later = async {
            turns(late).await;
            first.forget_pending(&pending[0].id).await
        };
        let (forgotten, kept) = tokio::join!(later, second.keep(&received));
        assert!(forgotten.unwrap());
        assert_eq!(kept.unwrap().len(), 1);
        one_card_is_kept(&world).await;
    }
}

/// The holder deletes it while a program asks: it is gone, with its token.
#[tokio::test]
async fn what_is_deleted_while_it_is_asked_for_does_not_come_back() {
    let (world, pending) = put_off(1).await;
    let store = Arc::clone(&world.store);
    let (issuer, id) = (Arc::clone(&world.issuer), pending[0].id.clone());
    world.network.on(&endpoint(LATER), move |sent| {
        store.pending.lock().unwrap().remove(&id);
        issued(&issuer, sent)
    });
    let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
    assert_eq!(error, WalletError::NoLongerPending);
    assert!(world.store.pending.lock().unwrap().is_empty());
}

/// A machine slept while it asked, and another program began to ask: what came is kept.
#[tokio::test]
async fn what_came_to_a_program_that_slept_is_kept() {
    let (world, pending) = put_off(1).await;
    let store = Arc::clone(&world.store);
    let (issuer, id) = (Arc::clone(&world.issuer), pending[0].id.clone());
    world.network.on(&endpoint(LATER), move |sent| {
        store.pending.lock().unwrap().get_mut(&id).unwrap().revision += 1;
        issued(&issuer, sent)
    });
    world.wallet.keep(&received(&world, &pending[0]).await).await.unwrap();
    one_card_is_kept(&world).await;
}

/// The same where it looks as if it never came: what another program has meanwhile stays.
#[tokio::test]
async fn a_program_that_slept_gives_nothing_up() {
    let (world, pending) = put_off(1).await;
    let (store, id) = (Arc::clone(&world.store), pending[0].id.clone());
    world.network.on(&endpoint(LATER), move |_| {
        store.pending.lock().unwrap().get_mut(&id).unwrap().revision += 1;
        Answer::Json(400, json!({ "error": "invalid_transaction_id" }))
    });
    assert_eq!(world.wallet.resume(&pending[0].id).await.unwrap_err(), BUSY);
    assert_eq!((world.store.pending.lock().unwrap().len(), world.stored_keys()), (1, 1));
}

/// After each write that it makes; the next program ends what this one began, and nothing is there
/// twice.
#[tokio::test]
async fn a_program_that_is_killed_at_any_time_leaves_one_card() {
    for writes in 0.. {
        let (world, pending) = put_off(1).await;
        *world.store.writes_left.lock().unwrap() = Some(writes);
        let was_killed = match world.wallet.resume(&pending[0].id).await {
            Ok(Resumed::Received(received)) => world.wallet.keep(&received).await.is_err(),
            Ok(Resumed::Waits(_)) => panic!("it is ready"),
            Err(_) => true,
        };
        *world.store.writes_left.lock().unwrap() = None;
        if !was_killed {
            assert!(writes > 4, "it was killed at each of them");
            one_card_is_kept(&world).await;
            return;
        }
        world.clock.to(LONG);
        let received = received(&world, &pending[0]).await;
        world.wallet.keep(&received).await.unwrap();
        one_card_is_kept(&world).await;
    }
}

/// A clock that was wrong once holds up nobody for years.
#[tokio::test]
async fn a_record_that_was_taken_under_a_wrong_clock_is_free() {
    let (world, pending) = put_off(1).await;
    let taken = |until| {
        let id = &pending[0].id;
        world.store.pending.lock().unwrap().get_mut(id).unwrap().taken_until = Some(until);
    };
    taken(NOW.plus(70));
    assert_eq!(world.wallet.resume(&pending[0].id).await.unwrap_err(), BUSY);
    taken(NOW.plus(LONG));
    received(&world, &pending[0]).await;
}

/// A failure of the network ends the work with a record: it can be tried again at once.
#[tokio::test]
async fn what_failed_can_be_tried_again_at_once() {
    let (world, pending) = put_off(1).await;
    world.network.says(&endpoint(LATER), 503, json!({ "error": "busy" }));
    for _ in 0..2 {
        let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
        assert_eq!(error.code(), "busy");
    }
    world.network.says(&endpoint(LATER), 401, json!({ "error": "invalid_token" }));
    world.network.says(&endpoint("token"), 503, json!({ "error": "busy" }));
    for _ in 0..2 {
        let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
        assert_eq!(error.code(), "busy", "{TOKEN} is to be renewed");
    }
}

//! What the wallet does later: it fetches what was not ready (VCI §9), and tells issuers what became
//! of what they gave (VCI §11).
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::Arc;

use keys::outside::SystemRandom;
use keys::signer::Signer as _;
use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::notification::delete_credential;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::receipt::Received;
use wallet::http::HttpError;
use wallet::store::{PendingCredential, Store as _, forget_unused_keys};
use wallet::trust::VerificationError;
use world::{
    Answer, ISSUER_KEYS, ISSUER_METADATA, NOW, Proof, TOKEN, World, endpoint, issuer_metadata,
};

const LATER: &str = "deferred";
const TELL: &str = "notification";

/// An issuer with both endpoints.
fn world() -> World {
    let world = World::new();
    let mut metadata = issuer_metadata();
    metadata["deferred_credential_endpoint"] = endpoint(LATER).into();
    metadata["notification_endpoint"] = endpoint(TELL).into();
    world.network.says(ISSUER_METADATA, 200, metadata);
    world.network.says(&endpoint(TELL), 204, Value::Null);
    world
}

/// The answer to each request for it, by now.
fn answers_later(world: &World, status: u16, value: Value) {
    world.network.says(&endpoint(LATER), status, value);
}

/// Asks for a card that is not ready; the request that asked for it is given back.
async fn put_off(world: &World) -> (PendingCredential, world::Sent) {
    world.answers_credential(202, json!({ "transaction_id": "t-canary", "interval": 60 }));
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert!(received.previews().is_empty() && received.failures().is_empty());
    let [pending] = received.pending() else { panic!("{received:?}") };
    (pending.clone(), world.network.sent_to(&endpoint("credential")).remove(0))
}

fn card(world: &World, asked: &world::Sent) -> Value {
    world.issuer.student_card(&Proof::of(asked).cnf(), |_, _| {})
}

async fn resume(world: &World, pending: &PendingCredential) -> Resumed {
    world.wallet.resume(&pending.id).await.unwrap()
}

fn received(resumed: Resumed) -> Received {
    let Resumed::Received(received) = resumed else { panic!("{resumed:?}") };
    received
}

async fn stored(world: &World) -> Vec<PendingCredential> {
    world.store.pending().await.unwrap().records
}

/// What the issuer was told, and with which token.
fn told(world: &World) -> Vec<(String, String)> {
    let sent = world.network.sent_to(&endpoint(TELL));
    sent.iter()
        .map(|sent| {
            assert_eq!(sent.headers["authorization"], format!("Bearer {TOKEN}"));
            assert_eq!(sent.headers["content-type"], "application/json");
            assert_eq!(sent.json().as_object().unwrap().len(), 2, "NOTIF-10: nothing more");
            let text = |name: &str| sent.json()[name].as_str().unwrap().to_owned();
            (text("notification_id"), text("event"))
        })
        .collect()
}

fn event(id: &str, event: &str) -> (String, String) {
    (id.to_owned(), event.to_owned())
}

/// CRED-40, DEFER-03, DEFER-04, DEFER-12, DEFER-19: kept, asked for in its time, and got at last.
#[tokio::test]
async fn what_is_not_ready_is_fetched_later() {
    let world = world();
    let (pending, asked) = put_off(&world).await;
    assert_eq!(stored(&world).await.len(), 1, "it is on disk before anybody is told");
    forget_unused_keys(&*world.store, NOW.plus(1_000_000_000)).await.unwrap();
    assert_eq!(world.stored_keys(), 1, "its key waits with it");
    assert!(matches!(resume(&world, &pending).await, Resumed::Waits(_)));
    assert!(world.network.sent_to(&endpoint(LATER)).is_empty(), "DEFER-19: not before its time");
    world.clock.to(60);
    answers_later(&world, 202, json!({ "transaction_id": "t-canary", "interval": 600 }));
    let Resumed::Waits(waits) = resume(&world, &pending).await else { panic!() };
    assert_eq!(waits.ask_at, NOW.plus(660));
    assert_eq!(stored(&world).await[0].ask_at, NOW.plus(660));
    let sent = world.network.sent_to(&endpoint(LATER)).remove(0);
    assert_eq!(sent.json(), json!({ "transaction_id": "t-canary" }));
    assert_eq!(sent.headers["authorization"], format!("Bearer {TOKEN}"));
    world.clock.to(660);
    let issued = json!([{ "credential": card(&world, &asked) }]);
    answers_later(&world, 200, json!({ "credentials": issued, "notification_id": "n" }));
    let received = received(resume(&world, &waits).await);
    assert_eq!(stored(&world).await.len(), 1, "until it is kept");
    let kept = world.wallet.keep(&received).await.unwrap();
    assert_eq!(kept[0].claims["given_name"], "Ada");
    assert!(stored(&world).await.is_empty());
    assert_eq!(told(&world), [event("n", "credential_accepted")]);
}

/// DEFER-18: what will never come is forgotten, with its key, and the holder hears so; what may come
/// is not. A dead token that nothing renews ends the wait too: it would be asked with for ever.
#[tokio::test]
async fn a_final_no_ends_the_wait() {
    let rows = [
        (400, "credential_request_denied", true),
        (400, "invalid_transaction_id", true),
        (401, "invalid_token", true),
        (401, "invalid_dpop_proof", false),
        (400, "invalid_token", false),
        (500, "server_error", false),
        (400, "invalid_encryption_parameters", false),
    ];
    for (status, code, is_final) in rows {
        let world = world();
        let (pending, _) = put_off(&world).await;
        world.clock.to(60);
        answers_later(&world, status, json!({ "error": code }));
        let error = world.wallet.resume(&pending.id).await.unwrap_err();
        assert_eq!((error.code(), error.class()), (code, Class::Refused));
        assert_eq!(matches!(error, WalletError::Ended(_)), is_final, "{code}");
        assert_eq!(error.to_string().ends_with("it is no longer waited for"), is_final, "{code}");
        assert_eq!(stored(&world).await.is_empty(), is_final, "{code}");
        assert_eq!(world.stored_keys() == 0, is_final, "{code}");
    }
}

/// RFC 6750 §3: the header alone may say what is wrong with a token.
#[tokio::test]
async fn a_refusal_without_a_body_is_understood() {
    let rows = [
        (r#"Bearer realm="x", error="invalid_token""#, Some("invalid_token")),
        (r#"DPoP error="invalid_dpop_proof""#, None),
        ("Bearer", None),
    ];
    for (challenge, ends) in rows {
        let world = world();
        let (pending, _) = put_off(&world).await;
        world.clock.to(60);
        world.network.on(&endpoint(LATER), move |_| Answer::Challenged(challenge));
        let error = world.wallet.resume(&pending.id).await.unwrap_err();
        assert_eq!(matches!(error, WalletError::Ended(_)), ends.is_some(), "{challenge}");
        assert_eq!(stored(&world).await.is_empty(), ends.is_some(), "{challenge}");
    }
}

/// DEFER-05: it comes once. What fails between its coming and its being kept costs nothing.
#[tokio::test]
async fn what_came_is_on_disk_before_it_is_checked() {
    let world = world();
    let (pending, asked) = put_off(&world).await;
    world.clock.to(60);
    let cnf = Proof::of(&asked).cnf();
    let by_metadata = world.issuer.student_card(&cnf, |header, _| {
        header.as_object_mut().unwrap().remove("x5c");
        header["kid"] = json!("key-1");
    });
    let body = json!({
        "credentials": [{ "credential": by_metadata }], "notification_id": "n",
    });
    answers_later(&world, 200, body);
    world.network.on(ISSUER_KEYS, |_| Answer::Fails(HttpError::TimedOut));
    let error = world.wallet.resume(&pending.id).await.unwrap_err();
    assert_eq!(error.class(), Class::Network, "the issuer's keys could not be asked for");
    assert!(told(&world).is_empty(), "nothing is decided yet");
    let kept = stored(&world).await.remove(0);
    assert!(kept.fetched.is_some());
    assert!(!format!("{kept:?}").contains("eyJ"), "what it says stays out of logs");

    answers_later(&world, 400, json!({ "error": "invalid_transaction_id" }));
    world.network.says(ISSUER_KEYS, 200, world::published(world.issuer.key.public_key()));
    world.clock.to(0);
    for _ in 0..2 {
        // The program may end before the holder has looked at it, too.
        received(resume(&world, &stored(&world).await[0]).await);
    }
    assert_eq!(world.network.sent_to(&endpoint(LATER)).len(), 1, "the issuer is not asked again");
    let received = received(resume(&world, &stored(&world).await[0]).await);
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
    assert!(stored(&world).await.is_empty());
    assert_eq!(told(&world), [event("n", "credential_accepted")]);
}

/// I16, I18: what comes later is held against what was agreed to then.
#[tokio::test]
async fn a_card_that_comes_later_is_checked_as_any_other() {
    let world = world();
    let (pending, asked) = put_off(&world).await;
    world.clock.to(60);
    let cnf = Proof::of(&asked).cnf();
    let other = world.issuer.student_card(&cnf, |_, claims| claims["vct"] = json!("x"));
    let body = json!({ "credentials": [{ "credential": other }], "notification_id": "n" });
    answers_later(&world, 200, body);
    let error = world.wallet.resume(&pending.id).await.unwrap_err();
    assert_eq!(error, VerificationError::OtherType.into());
    assert_eq!((world.stored().len(), world.stored_keys()), (0, 0));
    assert!(stored(&world).await.is_empty(), "it was delivered, such as it is");
    assert_eq!(told(&world), [event("n", "credential_failure")]);
}

/// M02 to M05: the token goes to the issuer, also when its metadata have changed.
#[tokio::test]
async fn metadata_that_lead_away_are_not_followed_later_either() {
    let world = world();
    let (pending, _) = put_off(&world).await;
    world.clock.to(60);
    let mut metadata = issuer_metadata();
    metadata["deferred_credential_endpoint"] = json!("https://evil.example/deferred");
    world.network.says(ISSUER_METADATA, 200, metadata);
    let error = world.wallet.resume(&pending.id).await.unwrap_err();
    assert_eq!(error, WalletError::ForeignEndpoint { host: "evil.example".into() });
    assert!(world.network.sent_to("https://evil.example/deferred").is_empty());
    assert_eq!(stored(&world).await.len(), 1);
}

/// M02 to M05: the holder has agreed to the issuer and to the server of that flow, and to no server
/// that the issuer has named since then.
#[tokio::test]
async fn a_server_that_is_named_later_does_not_get_the_token() {
    let world = world();
    let (pending, _) = put_off(&world).await;
    world.clock.to(60);
    let mut metadata = issuer_metadata();
    metadata["authorization_servers"] = json!([world::ISSUER, "https://new.example"]);
    metadata["deferred_credential_endpoint"] = json!("https://new.example/deferred");
    world.network.says(ISSUER_METADATA, 200, metadata);
    let error = world.wallet.resume(&pending.id).await.unwrap_err();
    assert_eq!(error, WalletError::ForeignEndpoint { host: "new.example".into() });
    assert!(world.network.sent().iter().all(|sent| !sent.url.contains("new.example")));
}

/// The server of that flow may have the endpoint, also when the issuer names it no more.
#[tokio::test]
async fn the_server_of_the_flow_may_have_the_endpoint() {
    let world = world();
    let server = "https://login.example";
    let mut metadata = issuer_metadata();
    metadata["authorization_servers"] = json!([server]);
    metadata["deferred_credential_endpoint"] = json!("https://login.example/deferred");
    world.network.says(ISSUER_METADATA, 200, metadata);
    let mut document = world::server_metadata();
    document["issuer"] = json!(server);
    let place = "https://login.example/.well-known/oauth-authorization-server";
    world.network.says(place, 200, document);
    world.answers_credential(202, json!({ "transaction_id": "t", "interval": 60 }));
    let scanned = ScannedOffer::scan(&world::link(&world::offer(&["student_card"]))).unwrap();
    let consent = Consent::to(scanned.host()).and("login.example");
    let offer = world.resolve_with(scanned, &consent).await.unwrap();
    let authorized = world.wallet.request_token(offer, None).await.unwrap();
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    let id = received.unwrap().pending()[0].id.clone();
    world.clock.to(60);
    world.network.says("https://login.example/deferred", 503, json!({ "error": "busy" }));
    assert_eq!(world.wallet.resume(&id).await.unwrap_err().code(), "busy", "it is asked");
}

/// An issuer's card that says how to tell of it.
fn issues_with_id(world: &World) {
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint("credential"), move |sent| {
        let card = issuer.student_card(&Proof::of(sent).cnf(), |_, _| {});
        let credentials = json!([{ "credential": card }]);
        Answer::Json(200, json!({ "credentials": credentials, "notification_id": "n" }))
    });
}

/// AMB-15, NOTIF-06, NOTIF-08, NOTIF-17: kept, thrown away, deleted.
#[tokio::test]
async fn the_issuer_is_told_what_became_of_it() {
    let world = world();
    issues_with_id(&world);
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert!(told(&world).is_empty(), "nothing is decided yet");
    let kept = world.wallet.keep(&received).await.unwrap();
    assert_eq!(told(&world), [event("n", "credential_accepted")]);
    assert!(world.store.notices().await.unwrap().records.is_empty());
    let when = (NOW, &SystemRandom as &dyn keys::outside::Random);
    assert!(delete_credential(&*world.store, &kept[0].id, when).await.unwrap());
    assert!(!delete_credential(&*world.store, &kept[0].id, when).await.unwrap());
    assert_eq!(told(&world).len(), 1, "the store sends nothing");
    assert_eq!(world.wallet.send_notices().await.unwrap(), 0);
    assert_eq!(told(&world)[1], event("n", "credential_deleted"));
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    world.wallet.decline(&received).await;
    assert_eq!(told(&world)[2], event("n", "credential_deleted"), "the holder said no");
}

/// NOTIF-08, NOTIF-09: what cannot be used is a failure of the whole response.
#[tokio::test]
async fn what_cannot_be_used_is_told_at_once() {
    let world = world();
    let body = json!({ "credentials": [{ "credential": "x" }], "notification_id": "n" });
    world.answers_credential(200, body);
    world.receive("student_card", &KeyWish::default()).await.unwrap_err();
    assert_eq!(told(&world), [event("n", "credential_failure")]);
}

/// NOTIF-01: what does not arrive costs the holder nothing, and is told later.
#[tokio::test]
async fn a_notice_that_does_not_arrive_is_sent_again() {
    let world = world();
    issues_with_id(&world);
    let notices = async || world.store.notices().await.unwrap().records.len();
    world.network.on(&endpoint(TELL), |_| Answer::Fails(HttpError::TimedOut));
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
    assert_eq!(notices().await, 1);
    world.network.says(&endpoint(TELL), 503, json!({ "error": "temporarily_unavailable" }));
    assert_eq!(world.wallet.send_notices().await.unwrap(), 1);
    world.network.says(&endpoint(TELL), 400, json!({ "error": "invalid_notification_id" }));
    assert_eq!(world.wallet.send_notices().await.unwrap(), 0, "a no is an answer");
    assert_eq!(notices().await, 0);
    world.network.on(&endpoint(TELL), |_| Answer::Fails(HttpError::TimedOut));
    world.wallet.decline(&received).await;
    let count = told(&world).len();
    world.clock.to(90 * 24 * 60 * 60);
    assert_eq!(world.wallet.send_notices().await.unwrap(), 0);
    assert_eq!((notices().await, told(&world).len()), (0, count), "nobody wants to know by now");
}

/// NOTIF-01: nobody is told who does not ask.
#[tokio::test]
async fn who_does_not_ask_is_told_nothing() {
    for (id, with_endpoint) in [(None, true), (Some("n"), false)] {
        let world = world();
        if !with_endpoint {
            world.network.says(ISSUER_METADATA, 200, issuer_metadata());
        }
        let issuer = Arc::clone(&world.issuer);
        world.network.on(&endpoint("credential"), move |sent| {
            let card = issuer.student_card(&Proof::of(sent).cnf(), |_, _| {});
            let mut body = json!({ "credentials": [{ "credential": card }] });
            if let Some(id) = id {
                body["notification_id"] = json!(id);
            }
            Answer::Json(200, body)
        });
        let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
        world.wallet.keep(&received).await.unwrap();
        assert!(told(&world).is_empty());
        assert!(world.store.notices().await.unwrap().records.is_empty());
    }
}

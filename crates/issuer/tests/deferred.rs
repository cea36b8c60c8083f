//! Step 18, later, over the router: what waits, who decides, who gets it, and every refusal (VCI §9).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use issuer::Issuer;
use issuer::config::Encryption;
use issuer::credential_type::Approval;
use keys::jwe::{Curve, DecryptionKey};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::encryption::Encryption::Required;
use oid4vci::encryption::{ChosenEncryption, Exchange, ReceivedBody, ReceivedEncryption};
use serde_json::{Value, json};
use testkit::by_hand::{Offered, request};
use testkit::proof::holder_key;
use testkit::wire::{Answer, JSON};
use testkit::world::World;
use tokio::task::JoinSet;

const CARD: &str = "student_card";
const DAY: u64 = 24 * 60 * 60;

fn defers(issuer: &mut Issuer) {
    issuer.types.get_mut(CARD).unwrap().approval = Approval::Deferred;
}

async fn world() -> World {
    World::with(defers).await
}

/// What a wallet has once its request was put off.
struct Waiting {
    offered: Offered,
    token: String,
    key: SoftwareKey,
    transaction_id: String,
}

async fn put_off(world: &World) -> Waiting {
    let offered = world.offer(CARD, &json!({})).await;
    let token = world.redeem(&offered.code, &[]).await.success();
    let token = token["access_token"].as_str().unwrap().to_owned();
    let key = holder_key();
    let answer = world.credential(&token, CARD, &[world.proof(&key).await]).await;
    let transaction_id = waits(&answer);
    Waiting { offered, token, key, transaction_id }
}

/// DEFER-20, AMB-24, CRED-31, CRED-39, DEFER-12: the `transaction_id` of an answer that says to
/// come again.
fn waits(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.header("content-type")), (202, JSON), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    assert_eq!(body["interval"], 60);
    body["transaction_id"].as_str().unwrap().to_owned()
}

async fn fetch(world: &World, token: &str, body: &Value) -> Answer {
    send(world, token, JSON, body.to_string()).await
}

async fn send(world: &World, token: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let begun = Request::post("/deferred-credential").header(CONTENT_TYPE, media_type);
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    world.public.ask(begun, body.into()).await
}

fn asks(waiting: &Waiting) -> Value {
    json!({ "transaction_id": waiting.transaction_id })
}

async fn queue(world: &World, state: &str) -> Vec<Value> {
    let path = format!("/admin/v1/deferrals?state={state}");
    let listed = world.operator("GET", &path, None).await.json();
    listed["deferrals"].as_array().unwrap().clone()
}

async fn decide(world: &World, verb: &str, body: Option<&Value>) -> Answer {
    let listed = queue(world, "").await;
    let id = listed.last().unwrap()["id"].as_str().unwrap();
    world.operator("POST", &format!("/admin/v1/deferrals/{id}/{verb}"), body).await
}

/// J02: what was delivered or rejected after a backup was made is not delivered from it.
#[tokio::test]
async fn a_restored_database_delivers_nothing_that_waited() {
    let world = world().await;
    let waiting = put_off(&world).await;
    decide(&world, "approve", None).await;
    world.clock.advance(3 * DAY);
    let restored = world.restored(defers).await;
    let begun = Request::post("/deferred-credential").header(CONTENT_TYPE, JSON);
    let begun = begun.header(AUTHORIZATION, format!("Bearer {}", waiting.token));
    let answer = restored.ask(begun, asks(&waiting).to_string()).await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
    fetch(&world, &waiting.token, &asks(&waiting)).await.success();
}

/// DEFER-01: announced also where nothing is put off any more, for what still waits.
#[tokio::test]
async fn the_endpoint_is_announced() {
    let address = "/.well-known/openid-credential-issuer";
    let expected = "https://issuer.example/deferred-credential";
    for world in [World::new().await, world().await] {
        let metadata = world.public.get(address).await.json();
        assert_eq!(metadata["deferred_credential_endpoint"], expected);
    }
}

/// DEFER-05, DEFER-11, DEFER-12, DEFER-13, DEFER-21: asked for today, approved on another day.
#[tokio::test]
async fn a_credential_is_fetched_once_an_officer_has_approved_it() {
    let world = world().await;
    let waiting = put_off(&world).await;
    assert_eq!(world.standing(&waiting.offered).await["state"], "deferred");
    assert_eq!(world.standing(&waiting.offered).await["credentials_issued"], 0);
    let again = fetch(&world, &waiting.token, &asks(&waiting)).await;
    assert_eq!(waits(&again), waiting.transaction_id, "DEFER-12: the same one");
    world.clock.advance(3 * DAY);
    let listed = queue(&world, "waiting").await;
    let [one] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(one["offer_id"], waiting.offered.id.as_str());
    assert_eq!((&one["credential_configuration_id"], &one["copies"]), (&json!(CARD), &json!(1)));
    let shown = format!("/admin/v1/deferrals/{}", one["id"].as_str().unwrap());
    let shown = world.operator("GET", &shown, None).await.json();
    assert_eq!(shown["claims"], Value::from(world.issuer.types[CARD].sample()));
    assert_eq!(
        waits(&fetch(&world, &waiting.token, &asks(&waiting)).await),
        waiting.transaction_id
    );
    assert_eq!(decide(&world, "approve", None).await.status, 200);
    let answer = fetch(&world, &waiting.token, &asks(&waiting)).await.success();
    assert!(answer["notification_id"].is_string(), "DEFER-13");
    let credential = answer["credentials"][0]["credential"].clone();
    let unverified = formats::parse("dc+sd-jwt", &credential).unwrap();
    let keys = world.issuer.keys();
    let signer = keys.signing.signer.public_key();
    let verified = unverified.verify(signer, keys::outside::Clock::now(&world.clock)).unwrap();
    let Some(formats::binding::Binding::Jwk(bound)) = verified.binding else { panic!() };
    assert_eq!(bound.thumbprint(), waiting.key.public_key().thumbprint(), "the key of then");
    let standing = world.standing(&waiting.offered).await;
    assert_eq!(
        (&standing["state"], &standing["credentials_issued"]),
        (&json!("issued"), &json!(1))
    );
    let again = fetch(&world, &waiting.token, &asks(&waiting)).await;
    assert!(again.is(400, "invalid_transaction_id"), "also days later: {again:?}");
}

/// DEFER-05, DEFER-16
#[tokio::test]
async fn a_transaction_is_good_once() {
    let world = world().await;
    let waiting = put_off(&world).await;
    decide(&world, "approve", None).await;
    fetch(&world, &waiting.token, &asks(&waiting)).await.success();
    let again = fetch(&world, &waiting.token, &asks(&waiting)).await;
    assert!(again.is(400, "invalid_transaction_id"), "{again:?}");
    // Whoever lost the answer proves the key anew, while the token lives, and asks again.
    let proof = world.proof(&waiting.key).await;
    let answer = world.credential(&waiting.token, CARD, &[proof]).await;
    assert_eq!(waits(&answer), waiting.transaction_id);
    fetch(&world, &waiting.token, &asks(&waiting)).await.success();
    assert_eq!(world.standing(&waiting.offered).await["credentials_issued"], 2);
}

/// X31, CRED-22: a repeated request is the same one; its nonce is spent all the same.
#[tokio::test]
async fn asking_twice_is_asking_once() {
    let world = world().await;
    let waiting = put_off(&world).await;
    let proof = world.proof(&waiting.key).await;
    let answer = world.credential(&waiting.token, CARD, std::slice::from_ref(&proof)).await;
    assert_eq!(waits(&answer), waiting.transaction_id);
    let answer = world.credential(&waiting.token, CARD, &[proof]).await;
    assert!(answer.is(400, "invalid_nonce"), "{answer:?}");
    assert_eq!(queue(&world, "waiting").await.len(), 1);
    let other = world.credential(&waiting.token, CARD, &[world.proof(&holder_key()).await]).await;
    assert_ne!(waits(&other), waiting.transaction_id);
}

/// DEFER-17
#[tokio::test]
async fn what_was_rejected_is_denied() {
    let world = world().await;
    let waiting = put_off(&world).await;
    assert_eq!(decide(&world, "reject", None).await.status, 200);
    let answer = fetch(&world, &waiting.token, &asks(&waiting)).await;
    assert!(answer.is(400, "credential_request_denied"), "{answer:?}");
    let proof = world.proof(&waiting.key).await;
    let answer = world.credential(&waiting.token, CARD, &[proof]).await;
    assert!(answer.is(400, "credential_request_denied"), "and not asked for anew: {answer:?}");
    assert_eq!(decide(&world, "approve", None).await.status, 409, "it is final");
    world.clock.advance(301);
    assert_eq!(world.standing(&waiting.offered).await["state"], "expired");
    let late = fetch(&world, &waiting.token, &asks(&waiting)).await;
    assert!(late.is(400, "credential_request_denied"), "DEFER-18: it can stop: {late:?}");
    let guess = fetch(&world, &waiting.token, &json!({ "transaction_id": "?" })).await;
    assert!(guess.is(401, "invalid_token"), "the token is good for nothing else: {guess:?}");
}

/// DEFER-03, DEFER-16: nothing is told to whoever has only one of the two.
#[tokio::test]
async fn token_and_transaction_belong_together() {
    let world = world().await;
    let (one, other) = (put_off(&world).await, put_off(&world).await);
    let answer = fetch(&world, &one.token, &asks(&other)).await;
    assert!(answer.is(400, "invalid_transaction_id"), "{answer:?}");
    for unknown in ["", "x", &"A".repeat(64)] {
        let answer = fetch(&world, &one.token, &json!({ "transaction_id": unknown })).await;
        assert!(answer.is(400, "invalid_transaction_id"), "{unknown}: {answer:?}");
    }
    for bad in [json!({}), json!({ "transaction_id": 1 }), json!([])] {
        let answer = fetch(&world, &one.token, &bad).await;
        assert!(answer.is(400, "invalid_credential_request"), "{bad}: {answer:?}");
    }
    let answer = fetch(&world, "nobody's", &asks(&one)).await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
    let answer = send(&world, &one.token, "text/plain", asks(&one).to_string()).await;
    assert!(answer.is(400, "invalid_credential_request"), "DEFER-08: {answer:?}");
    world.clock.advance(301);
    let body = request(CARD, &[world.proof(&holder_key()).await]);
    let answer = world.credential_request(&one.token, &body).await;
    assert!(answer.is(401, "invalid_token"), "SEC-30: it is good for nothing else: {answer:?}");
    assert_eq!(waits(&fetch(&world, &one.token, &asks(&one)).await), one.transaction_id);
}

/// An offer that is taken back takes along what waits.
#[tokio::test]
async fn a_withdrawn_offer_ends_the_wait() {
    let world = world().await;
    let waiting = put_off(&world).await;
    decide(&world, "approve", None).await;
    let path = format!("/admin/v1/offers/{}", waiting.offered.id);
    assert_eq!(world.operator("DELETE", &path, None).await.status, 204);
    let answer = fetch(&world, &waiting.token, &asks(&waiting)).await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
}

/// Nobody decided, or nobody came: after its days nothing is issued.
#[tokio::test]
async fn what_waits_does_not_wait_for_ever() {
    let world = World::with(|issuer| {
        defers(issuer);
        issuer.config.deferred.keep_days = 2;
    })
    .await;
    let waiting = put_off(&world).await;
    world.clock.advance(2 * DAY - 1);
    assert_eq!(
        waits(&fetch(&world, &waiting.token, &asks(&waiting)).await),
        waiting.transaction_id
    );
    world.clock.advance(1);
    let answer = fetch(&world, &waiting.token, &asks(&waiting)).await;
    assert!(answer.is(400, "credential_request_denied"), "{answer:?}");
    assert_eq!(decide(&world, "approve", None).await.status, 409);
}

/// The officer says what the credential says, by the same rules as everybody else.
#[tokio::test]
async fn claims_may_come_later() {
    let world = world().await;
    let waiting = put_off(&world).await;
    let mut claims = world.issuer.types[CARD].sample();
    claims.insert("given_name".to_owned(), json!("Grace"));
    let bad = decide(&world, "approve", Some(&json!({ "claims": { "given_name": 1 } }))).await;
    assert_eq!(bad.status, 422, "{}", bad.text());
    let unread = decide(&world, "approve", Some(&json!({ "claim": {} }))).await;
    assert_eq!(unread.status, 400);
    let good = decide(&world, "approve", Some(&json!({ "claims": claims }))).await;
    assert_eq!(good.status, 200, "{}", good.text());
    let answer = fetch(&world, &waiting.token, &asks(&waiting)).await.success();
    let unverified = formats::parse("dc+sd-jwt", &answer["credentials"][0]["credential"]).unwrap();
    let keys = world.issuer.keys();
    let signer = keys.signing.signer.public_key();
    let verified = unverified.verify(signer, keys::outside::Clock::now(&world.clock)).unwrap();
    assert_eq!(verified.claims["given_name"], "Grace");
}

/// A world in which cards wait and something must be encrypted, and how that is done.
async fn sealing(demand: impl FnOnce(&mut Encryption)) -> (World, ChosenEncryption) {
    let world = World::with(|issuer| {
        defers(issuer);
        demand(&mut issuer.config.encryption);
        issuer.encryption = issuer.config.encryption.policy().unwrap();
    })
    .await;
    let chosen = chosen(&world).await;
    (world, chosen)
}

async fn chosen(world: &World) -> ChosenEncryption {
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    ReceivedEncryption::parse(&metadata).choose(false).unwrap()
}

fn exchange(chosen: &ChosenEncryption) -> Exchange<'_> {
    chosen.begin(|alg| DecryptionKey::generate(Curve::P256, alg)).unwrap()
}

/// Sends the first request and opens its answer, both encrypted; gives what the next one says, which
/// in the clear is refused.
async fn put_off_sealed(world: &World, token: &str, first: &Exchange<'_>) -> Value {
    let parameters = request(CARD, &[world.proof(&holder_key()).await]);
    let body = first.seal(parameters).unwrap();
    let asked = Request::post("/credential").header(CONTENT_TYPE, body.media_type);
    let asked = asked.header(AUTHORIZATION, format!("Bearer {token}"));
    let answer = world.public.ask(asked, body.bytes).await;
    assert_eq!((answer.status, answer.header("content-type")), (202, "application/jwt"));
    let opened = first.open(ReceivedBody::Jwt(&answer.body)).unwrap();
    let told: Value = serde_json::from_slice(&opened).unwrap();
    let again = json!({ "transaction_id": told["transaction_id"] });
    let plain = fetch(world, token, &again).await;
    assert!(plain.is(400, "invalid_encryption_parameters"), "{plain:?}");
    again
}

/// DEFER-07: where requests must be encrypted, this one too.
#[tokio::test]
async fn a_request_that_must_be_encrypted_is() {
    let (world, chosen) = sealing(|encryption| encryption.request = Required).await;
    let token = world.token(CARD).await;
    let first = exchange(&chosen);
    let again = put_off_sealed(&world, &token, &first).await;
    let sealed = exchange(&chosen).seal(again).unwrap();
    let answer = send(&world, &token, sealed.media_type, sealed.bytes).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// DEFER-09, DEFER-10, DEFER-15: as this request says; also where it says to come again.
#[tokio::test]
async fn each_request_is_encrypted_anew() {
    let (world, chosen) = sealing(|encryption| encryption.response = Required).await;
    let token = world.token(CARD).await;
    let first = exchange(&chosen);
    let again = put_off_sealed(&world, &token, &first).await;
    for status in [202, 200] {
        let next = exchange(&chosen);
        let body = next.seal(again.clone()).unwrap();
        let answer = send(&world, &token, body.media_type, body.bytes).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/jwt"));
        assert!(first.open(ReceivedBody::Jwt(&answer.body)).is_err(), "for the new key only");
        next.open(ReceivedBody::Jwt(&answer.body)).unwrap();
        decide(&world, "approve", None).await;
    }
}

/// The same with all of them at once: one gets it, and no more is recorded than was given.
#[tokio::test(flavor = "multi_thread")]
async fn racing_wallets_get_it_once() {
    let world = Arc::new(world().await);
    let waiting = put_off(&world).await;
    decide(&world, "approve", None).await;
    let mut racers = JoinSet::new();
    for _ in 0..10 {
        let (world, token, body) = (Arc::clone(&world), waiting.token.clone(), asks(&waiting));
        racers.spawn(async move { fetch(&world, &token, &body).await });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let refused = answers.iter().filter(|answer| answer.status != 200);
    assert!({ refused }.all(|answer| answer.is(400, "invalid_transaction_id")));
    assert_eq!(world.standing(&waiting.offered).await["credentials_issued"], 1);
}

/// P11: the queue is the officer's.
#[tokio::test]
async fn the_queue_is_guarded() {
    let world = world().await;
    put_off(&world).await;
    let answer = world.admin.get("/admin/v1/deferrals").await;
    assert_eq!(answer.status, 401);
    for path in
        ["/admin/v1/deferrals/x", "/admin/v1/deferrals/01a20ad6-7e98-7723-a4f6-827abaf3b248"]
    {
        assert_eq!(world.operator("GET", path, None).await.status, 404);
        assert_eq!(world.operator("POST", &format!("{path}/approve"), None).await.status, 404);
    }
    let bad = world.operator("GET", "/admin/v1/deferrals?state=x", None).await;
    assert_eq!(bad.status, 400);
}

//! Step 19 told to the issuer, over the router: who may tell what, and who sees it (VCI §11).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use testkit::by_hand::Offered;
use testkit::proof::holder_key;
use testkit::wire::{Answer, JSON};
use testkit::world::World;

const CARD: &str = "student_card";

struct Issued {
    offered: Offered,
    token: String,
    id: String,
}

async fn issued(world: &World) -> Issued {
    let offered = world.offer(CARD, &json!({})).await;
    let token = world.redeem(&offered.code, &[]).await.success();
    let token = token["access_token"].as_str().unwrap().to_owned();
    let id = again(world, &token).await;
    Issued { offered, token, id }
}

/// One more response, and its `notification_id`.
async fn again(world: &World, token: &str) -> String {
    let proof = world.proof(&holder_key()).await;
    let answer = world.credential(token, CARD, &[proof]).await.success();
    answer["notification_id"].as_str().unwrap().to_owned()
}

async fn tell(world: &World, token: &str, body: impl Into<Vec<u8>>) -> Answer {
    let begun = Request::post("/notification").header(CONTENT_TYPE, JSON);
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    world.public.ask(begun, body.into()).await
}

fn body(id: &str, event: &str) -> String {
    json!({ "notification_id": id, "event": event }).to_string()
}

async fn events(world: &World, offered: &Offered) -> Vec<Value> {
    let standing = world.standing(offered).await;
    standing["credentials"].as_array().unwrap().iter().map(|one| one["event"].clone()).collect()
}

/// NOTIF-04, NOTIF-11, NOTIF-13: told, told again, and told otherwise later; operators see it.
#[tokio::test]
async fn what_became_of_a_credential_is_seen_by_operators() {
    let world = World::new().await;
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    assert_eq!(metadata["notification_endpoint"], "https://issuer.example/notification");
    let issued = issued(&world).await;
    let second = again(&world, &issued.token).await;
    assert_ne!(issued.id, second, "CRED-41: one for each response");
    assert_eq!(events(&world, &issued.offered).await, [json!(null), json!(null)]);
    for _ in 0..2 {
        let answer = tell(&world, &issued.token, body(&issued.id, "credential_accepted")).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let told = events(&world, &issued.offered).await;
        assert_eq!(told, [json!("credential_accepted"), json!(null)]);
    }
    let failure = tell(&world, &issued.token, body(&second, "credential_failure")).await;
    assert_eq!(failure.status, 204);
    world.clock.advance(90 * 24 * 3600);
    let late = tell(&world, &issued.token, body(&issued.id, "credential_deleted")).await;
    assert_eq!(late.status, 204, "NOTIF-03: {late:?}");
    let told = events(&world, &issued.offered).await;
    assert_eq!(told, [json!("credential_deleted"), json!("credential_failure")]);
    let standing = world.standing(&issued.offered).await;
    assert_eq!(standing["credentials"][0]["notified_at"].as_str().unwrap().len(), 20);
}

/// NOTIF-14, NOTIF-15, NOTIF-16
#[tokio::test]
async fn each_refusal_of_a_notification() {
    let world = World::new().await;
    let (one, other) = (issued(&world).await, issued(&world).await);
    let accepted = |id: &str| body(id, "credential_accepted");
    let twice = accepted(&one.id).replacen('{', r#"{"notification_id":"x","#, 1);
    let rows = [
        ("NOTIF-15: another's", accepted(&other.id), "invalid_notification_id"),
        ("NOTIF-15: nobody's", accepted("x"), "invalid_notification_id"),
        ("NOTIF-16: no event", body(&one.id, ""), "invalid_notification_request"),
        ("NOTIF-07: another event", body(&one.id, "accepted"), "invalid_notification_request"),
        ("NOTIF-16: repeated", twice, "invalid_notification_request"),
        ("NOTIF-16: no JSON", "x".to_owned(), "invalid_notification_request"),
        (
            "NOTIF-16: no id",
            json!({ "event": "credential_accepted" }).to_string(),
            "invalid_notification_request",
        ),
    ];
    for (row, body, error) in rows {
        let answer = tell(&world, &one.token, body).await;
        assert!(answer.is(400, error), "{row}: {answer:?}");
    }
    let answer = tell(&world, &other.token[..60], accepted(&other.id)).await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
    let bare = Request::post("/notification").header(CONTENT_TYPE, JSON);
    let answer = world.public.ask(bare, accepted(&one.id)).await;
    assert!(answer.is(401, "invalid_token"));
    assert!(answer.header("www-authenticate").starts_with("Bearer, DPoP algs="));
    assert_eq!(events(&world, &one.offered).await, [json!(null)], "nothing was noted");
}

/// NOTIF-01: who does not ask is told nothing.
#[tokio::test]
async fn an_issuer_need_not_ask() {
    let world = World::with(|issuer| issuer.config.notification.enabled = false).await;
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    assert!(metadata.get("notification_endpoint").is_none());
    let token = world.token(CARD).await;
    let proof = world.proof(&holder_key()).await;
    let answer = world.credential(&token, CARD, &[proof]).await.success();
    assert!(answer.get("notification_id").is_none());
}

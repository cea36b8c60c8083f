//! What a listener takes: so many requests at once, so many failures of one address, so much time.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::stream;
use rusqlite::Connection;
use serde_json::json;
use testkit::sign_in::with_client;
use testkit::wire::{Answer, FORM, Wire};
use testkit::world::World;
use url::form_urlencoded;

/// A Token Request with an unknown code, as it comes from an address.
async fn guess(listener: &Wire, address: &str) -> Answer {
    let form = "grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code\
                &pre-authorized_code=guessed";
    let begun = Request::post("/token").header("content-type", FORM);
    listener.ask(begun.extension(peer(address)), form).await
}

async fn read(listener: &Wire, path: &str, address: &str) -> Answer {
    listener.ask(Request::get(path).extension(peer(address)), "").await
}

fn peer(address: &str) -> ConnectInfo<SocketAddr> {
    ConnectInfo(SocketAddr::new(address.parse().unwrap(), 4711))
}

/// P08, C03: whoever guesses must wait, on every address of a listener; others need not.
#[tokio::test]
async fn an_address_that_fails_too_often_must_wait() {
    let world = World::with(|issuer| issuer.config.server.failures_per_minute = 5).await;
    for _ in 0..200 {
        assert_eq!(read(&world.public, "/jwks", "192.0.2.7").await.status, 200, "never counted");
    }
    for _ in 0..6 {
        assert!(guess(&world.public, "192.0.2.7").await.is(400, "invalid_grant"));
    }
    let waiting = guess(&world.public, "192.0.2.7").await;
    assert!(waiting.is(429, "temporarily_unavailable"), "{waiting:?}");
    let seconds: u64 = waiting.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(read(&world.public, "/jwks", "192.0.2.7").await.status, 429);
    let page = Request::get("/").header("accept", "text/html,*/*;q=0.8");
    let page = world.public.ask(page.extension(peer("192.0.2.7")), "").await;
    assert_eq!((page.status, page.header("content-type")), (429, "text/plain; charset=utf-8"));
    assert!(page.text().starts_with("Please wait: too many failed requests"), "{page:?}");
    assert!(guess(&world.public, "192.0.2.8").await.is(400, "invalid_grant"), "a neighbour");
}

/// Q10: behind a proxy the client is counted; a proxy that names no client is never made to wait.
#[tokio::test]
async fn a_proxy_does_not_wait_for_the_failures_of_its_clients() {
    let world = World::with(|issuer| {
        issuer.config.server.failures_per_minute = 5;
        let proxy = serde_json::from_value(json!("10.0.0.1")).unwrap();
        issuer.config.server.trusted_proxies = vec![proxy];
    });
    let world = world.await;
    for _ in 0..20 {
        assert!(guess(&world.public, "10.0.0.1").await.is(400, "invalid_grant"));
    }
    let asked = |client: &'static str| {
        let begun = Request::get("/nothing").header("x-forwarded-for", client);
        world.public.ask(begun.extension(peer("10.0.0.1")), "")
    };
    for _ in 0..6 {
        assert_eq!(asked("192.0.2.7").await.status, 404);
    }
    assert_eq!(asked("192.0.2.7").await.status, 429);
    assert_eq!(asked("192.0.2.8").await.status, 404);
}

/// P11: the admin key is no easier to guess.
#[tokio::test]
async fn guessing_the_admin_key_is_slowed_down() {
    let world = World::with(|issuer| issuer.config.server.failures_per_minute = 5).await;
    for _ in 0..6 {
        let refused = read(&world.admin, "/admin/v1/offers", "192.0.2.7").await;
        assert_eq!(refused.status, 401);
    }
    let waiting = read(&world.admin, "/admin/v1/offers", "192.0.2.7").await;
    assert_eq!(waiting.status, 429);
    assert_eq!(waiting.header("content-type"), "application/problem+json");
    assert_eq!(read(&world.public, "/jwks", "192.0.2.7").await.status, 200, "another listener");
}

/// Q04: what is too much is told so at once, and nothing of it was done.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_can_be_worked_on_is_refused_at_once() {
    let world = World::with(|issuer| issuer.config.server.requests_at_once = 1).await;
    let offer = world.offer("student_card", &json!({})).await;
    let other = Connection::open(world.issuer.config.database.file().unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let slow = tokio::spawn({
        let (listener, code) = (world.public.clone(), offer.code.clone());
        async move {
            let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
            let form = [("grant_type", grant), ("pre-authorized_code", code.as_str())];
            listener.post_form("/token", &form).await
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    let refused = world.public.post_form("/nonce", &[]).await;
    assert!(refused.is(503, "temporarily_unavailable"), "{refused:?}");
    assert_eq!(refused.header("retry-after"), "2");
    assert!(begun.elapsed() < Duration::from_millis(100), "at once");
    other.execute_batch("ROLLBACK").unwrap();
    slow.await.unwrap().success();
    world.public.post_form("/nonce", &[]).await.success();
}

/// Q03, G11: a body that never ends; the answer has the shape of every other one.
#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let world = World::with(|issuer| issuer.config.server.request_seconds = 1).await;
    let endless = || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let begun = Request::post("/token").header("content-type", FORM);
    let ended = world.public.ask(begun, endless()).await;
    assert!(ended.is(408, "invalid_request"), "{ended:?}");
    let keys = world.issuer.keys();
    let key = keys.admin.expose();
    let begun = Request::post("/admin/v1/offers").header("authorization", format!("Bearer {key}"));
    let ended = world.admin.ask(begun, endless()).await;
    assert_eq!((ended.status, ended.header("content-type")), (408, "application/problem+json"));
}

/// Q04: anybody can push in the name of a public client, and what is pushed is kept for a while.
#[tokio::test]
async fn an_address_pushes_so_many_requests_and_no_more() {
    let world = World::with(|issuer| {
        with_client(issuer);
        issuer.config.authorization.pushes_per_minute = 3;
    })
    .await;
    let form = world.authorization_request("student_card", &[]);
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let push = async |address: &str| {
        let begun = Request::post("/par").header("content-type", FORM);
        world.public.ask(begun.extension(peer(address)), form.clone()).await
    };
    for _ in 0..3 {
        assert_eq!(push("192.0.2.7").await.status, 201);
    }
    let waiting = push("192.0.2.7").await;
    assert!(
        waiting.is(429, "temporarily_unavailable") && !waiting.header("retry-after").is_empty()
    );
    assert_eq!(push("192.0.2.8").await.status, 201, "a neighbour");
}

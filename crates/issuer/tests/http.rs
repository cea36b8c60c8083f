//! What stands around every endpoint: addresses, methods, CORS, ids, and a store that fails.

use std::thread;
use std::time::Duration;

use axum::http::Request;
use rusqlite::Connection;
use serde_json::json;
use testkit::world::{ISSUER, World};

const ENDPOINTS: [(&str, &str); 5] = [
    ("/token", "POST"),
    ("/nonce", "POST"),
    ("/credential", "POST"),
    ("/jwks", "GET"),
    ("/offers/x", "GET"),
];

/// B08, E08, G11, G12
#[tokio::test]
async fn another_method_is_405_and_says_which_one_is_right() {
    let world = World::new().await;
    for (path, allowed) in ENDPOINTS {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"] {
            if method == allowed {
                continue;
            }
            let begun = Request::builder().method(method).uri(path);
            let answer = world.public.ask(begun, "").await;
            assert!(answer.is(405, "invalid_request"), "{method} {path}: {answer:?}");
            assert!(answer.header("allow").contains(allowed), "{method} {path}");
        }
    }
}

/// G10, G12: a wrong place is 404 with a JSON body; no trick leads anywhere.
#[tokio::test]
async fn a_wrong_place_is_404_with_json() {
    let world = World::new().await;
    let places = [
        "/nothing",
        "//token",
        "/token/",
        "/TOKEN",
        "/token/..;/admin",
        "/%74oken/x",
        "/x/%2e%2e/token",
        "/offers/",
        "/offers/a/b",
        "/%ff",
        "/.well-known/",
        "/.env",
        "/admin/v1/offers",
        "/healthz",
        "/readyz",
    ];
    for place in places {
        for method in ["GET", "POST"] {
            let answer = world.public.ask(Request::builder().method(method).uri(place), "").await;
            assert!(answer.is(404, "not_found"), "{method} {place}: {answer:?}");
        }
    }
}

/// P20: wallets that are web pages may call; there is no cookie for them to send.
#[tokio::test]
async fn wallets_that_are_web_pages_may_call_the_protocol() {
    for path in ["", "/tenant"] {
        let world = World::at(&format!("{ISSUER}{path}"), |_| {}).await;
        for (endpoint, _) in ENDPOINTS {
            let begun = Request::options(format!("{path}{endpoint}"));
            let begun = begun.header("origin", "https://wallet.example");
            let begun = begun.header("access-control-request-method", "POST");
            let preflight = world.public.ask(begun, "").await;
            assert_eq!(preflight.status, 204, "{endpoint}");
            assert_eq!(preflight.header("access-control-allow-origin"), "*");
            let headers = preflight.header("access-control-allow-headers");
            assert!(headers.contains("authorization") && headers.contains("content-type"));
            assert!(preflight.header("access-control-allow-methods").contains("POST"));
            assert_eq!(preflight.header("access-control-allow-credentials"), "");
        }
        for nowhere in ["/nothing", "/.well-known/nothing", "/offers/%ff", "/.well-known/%ff"] {
            let begun = Request::get(format!("{path}{nowhere}"));
            let begun = begun.header("origin", "https://wallet.example");
            let answer = world.public.ask(begun, "").await;
            assert!(answer.is(404, "not_found"), "{nowhere}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{nowhere}");
            let preflight =
                world.public.ask(Request::options(format!("{path}{nowhere}")), "").await;
            assert_eq!(preflight.status, 204, "{nowhere}");
        }
        let begun = Request::post(format!("{path}/token"));
        let refused = world.public.ask(begun.header("origin", "https://wallet.example"), "").await;
        assert_eq!(refused.header("access-control-allow-origin"), "*", "refusals can be read too");
    }
}

/// P20: operators' programs are no web pages.
#[tokio::test]
async fn nothing_else_may_be_called_from_other_origins() {
    let world = World::new().await;
    let begun = Request::options("/admin/v1/offers").header("origin", "https://evil.example");
    let admin = world.admin.ask(begun, "").await;
    assert_eq!(admin.header("access-control-allow-origin"), "");
    let portal = world.public.ask(Request::get("/").header("origin", "https://evil.example"), "");
    assert_eq!(portal.await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let world = World::new().await;
    let ids = [world.public.get("/jwks").await, world.public.get("/jwks").await]
        .map(|answer| answer.header("x-request-id").to_owned());
    assert!(ids[0].len() == 16 && ids[0] != ids[1], "{ids:?}");
    let chosen = Request::get("/jwks").header("x-request-id", "chosen");
    let chosen = world.public.ask(chosen, "").await;
    assert_ne!(chosen.header("x-request-id"), "chosen", "nobody else writes into our log");
    assert_eq!(chosen.header("x-content-type-options"), "nosniff");
}

/// G13: no answer repeats what was sent.
#[tokio::test]
async fn refusals_repeat_nothing_of_the_request() {
    let world = World::new().await;
    let canary = "canary-1f6d";
    let rows = [
        world.public.get(&format!("/{canary}")).await,
        world.public.get(&format!("/offers/{canary}")).await,
        world.token_request(&[("grant_type", canary)]).await,
        world.redeem(canary, &[]).await,
        world.credential_request(canary, &json!({})).await,
    ];
    for answer in rows {
        answer.refusal();
        let headers = format!("{:?}", answer.headers);
        assert!(!answer.text().contains(canary) && !headers.contains(canary), "{answer:?}");
    }
}

/// How long another program holds the database: longer than we wait, but not much.
const HELD: Duration = Duration::from_secs(6);

/// X20, I11: a store that cannot be written to is our own fault, and it costs the Wallet nothing,
/// also when it can be written to again a moment after we gave up.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_locked_nothing_is_given_and_nothing_is_lost() {
    let world = World::new().await;
    let plain = world.offer("student_card", &json!({})).await;
    let guarded = world.offer("student_card", &json!({ "tx_code": true })).await;
    let other = Connection::open(world.issuer.config.database.file().unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = tokio::task::spawn_blocking(move || {
        thread::sleep(HELD);
        other.execute_batch("ROLLBACK").unwrap();
    });
    let wrong = if guarded.tx_code.as_deref() == Some("000000") { "000001" } else { "000000" };
    let guess = [("tx_code", wrong)];
    let (redeemed, guessed, ready) = tokio::join!(
        world.redeem(&plain.code, &[]),
        world.redeem(&guarded.code, &guess),
        world.admin.get("/readyz"),
    );
    for answer in [redeemed, guessed] {
        assert!(answer.is(503, "temporarily_unavailable"), "{answer:?}");
        assert_eq!(answer.header("retry-after"), "2", "the same request may succeed soon");
    }
    assert_eq!(ready.status, 503);
    held.await.unwrap();
    assert_eq!(world.admin.get("/readyz").await.status, 200, "it heals by itself");
    assert_eq!(world.standing(&guarded).await["wrong_tx_codes"], 0, "no guess was counted");
    world.redeem(&plain.code, &[]).await.success();
}

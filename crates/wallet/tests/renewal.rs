//! A token that died while its credential was still to come is renewed (RFC 6749 §6, DEFER-21), by
//! the wallet that it was given to and by nobody else.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::http::HttpError;
use wallet::store::{PendingCredential, Store as _};
use world::{Answer, ISSUER_METADATA, Proof, TOKEN, World, endpoint, issuer_metadata};

const LATER: &str = "deferred";
const REFRESH: &str = "refresh-canary-1";

/// An issuer that gives refresh tokens, and refuses the first Access Token from now on.
async fn put_off(count: usize) -> (World, Vec<PendingCredential>, Value) {
    let mut world = World::new();
    let mut metadata = issuer_metadata();
    metadata["deferred_credential_endpoint"] = endpoint(LATER).into();
    world.network.says(ISSUER_METADATA, 200, metadata);
    "somebody".clone_into(&mut world.wallet.settings.client_id);
    let mut server = world::server_metadata();
    server["pre-authorized_grant_anonymous_access_supported"] = json!(false);
    world.network.says(world::SERVER_METADATA, 200, server);
    let mut token = world::token();
    token["refresh_token"] = json!(REFRESH);
    world.network.says(&endpoint("token"), 200, token);
    world.answers_credential(202, json!({ "transaction_id": "t", "interval": 60 }));
    let ids = ["student_card", "diploma"];
    let authorized = world.authorize(&ids[..count]).await;
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    let pending = received.unwrap().pending().to_vec();
    let asked = world.network.sent_to(&endpoint("credential")).remove(0);
    let card = world.issuer.student_card(&Proof::of(&asked).cnf(), |_, _| {});
    world.clock.to(3600);
    let answer = json!({ "credentials": [{ "credential": card }] });
    let good = answer.clone();
    world.network.on(&endpoint(LATER), move |sent| {
        if sent.headers["authorization"] == format!("Bearer {TOKEN}") {
            return Answer::Json(401, json!({ "error": "invalid_token" }));
        }
        Answer::Json(200, good.clone())
    });
    (world, pending, answer)
}

fn renews(world: &World, more: &Value) {
    let mut answer = json!({ "access_token": "fresh-canary", "token_type": "Bearer" });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.network.says(&endpoint("token"), 200, answer);
}

/// What the token of each pending credential is, as it lies on disk.
async fn tokens(world: &World) -> Vec<(String, String)> {
    let mut tokens = Vec::new();
    for pending in world.store.pending().await.unwrap().records {
        let token = world.store.shared_token(&pending.token).await.unwrap().unwrap().token;
        let refresh_token = token.renewal.unwrap().refresh_token;
        tokens.push(both(token.access_token.expose(), refresh_token.expose()));
    }
    tokens
}

fn both(access_token: &str, refresh_token: &str) -> (String, String) {
    (access_token.to_owned(), refresh_token.to_owned())
}

/// DEFER-03: it need not be the same token string.
#[tokio::test]
async fn a_dead_token_is_renewed_and_the_credential_fetched() {
    let (world, pending, _) = put_off(1).await;
    assert_eq!(tokens(&world).await, [both(TOKEN, REFRESH)]);
    renews(&world, &json!({ "refresh_token": "refresh-canary-2" }));
    let Resumed::Received(received) = world.wallet.resume(&pending[0].id).await.unwrap() else {
        panic!("it is ready")
    };
    assert_eq!(tokens(&world).await, [both("fresh-canary", "refresh-canary-2")]);
    let form = world.network.sent_to(&endpoint("token")).remove(1).form();
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], REFRESH);
    assert_eq!(form["client_id"], "somebody", "as who it was then");
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
}

/// A refresh token is good once: whatever else waits for the same token gets the next one too.
#[tokio::test]
async fn all_that_waits_for_one_token_gets_the_next_one() {
    let (world, pending, _) = put_off(2).await;
    assert_eq!(pending.len(), 2);
    renews(&world, &json!({ "refresh_token": "refresh-canary-2" }));
    world.wallet.resume(&pending[0].id).await.unwrap();
    let next = both("fresh-canary", "refresh-canary-2");
    assert_eq!(tokens(&world).await, [next.clone(), next]);
}

/// RFC 6749 §6: a server that sends no new one means the old one.
#[tokio::test]
async fn a_refresh_token_that_is_not_replaced_stays() {
    let (world, pending, _) = put_off(1).await;
    renews(&world, &json!({}));
    world.wallet.resume(&pending[0].id).await.unwrap();
    assert_eq!(tokens(&world).await, [both("fresh-canary", REFRESH)]);
}

/// What was renewed is on disk before it is used, whatever comes then.
#[tokio::test]
async fn a_renewed_token_outlives_a_failure_of_the_network() {
    let (world, pending, good) = put_off(1).await;
    renews(&world, &json!({ "refresh_token": "refresh-canary-2" }));
    world.network.on(&endpoint(LATER), |sent| {
        if sent.headers["authorization"] == format!("Bearer {TOKEN}") {
            return Answer::Json(401, json!({ "error": "invalid_token" }));
        }
        Answer::Fails(HttpError::TimedOut)
    });
    let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
    assert_eq!(error.class(), Class::Network);
    assert_eq!(tokens(&world).await, [both("fresh-canary", "refresh-canary-2")]);
    world.network.says(&endpoint(LATER), 200, good);
    let kept = world.store.pending().await.unwrap().records.remove(0);
    assert!(matches!(world.wallet.resume(&kept.id).await.unwrap(), Resumed::Received(_)));
    assert_eq!(world.network.sent_to(&endpoint("token")).len(), 2, "it is renewed once");
}

/// RFC 6749 §5.2: a refresh token that is dead too ends the wait; another trouble does not.
#[tokio::test]
async fn a_token_that_cannot_be_renewed_ends_the_wait() {
    let rows = [(400, "invalid_grant", true), (401, "invalid_client", false), (503, "busy", false)];
    for (status, code, ends) in rows {
        let (world, pending, _) = put_off(1).await;
        world.network.says(&endpoint("token"), status, json!({ "error": code }));
        let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
        assert_eq!((error.code(), matches!(error, WalletError::Ended(_))), (code, ends));
        assert_eq!(world.store.pending().await.unwrap().records.is_empty(), ends, "{code}");
        assert_eq!(world.stored_keys() == 0, ends, "{code}");
    }
}

/// A fresh token that is refused as well is not renewed a second time.
#[tokio::test]
async fn a_token_is_renewed_once_a_time() {
    let (world, pending, _) = put_off(1).await;
    renews(&world, &json!({ "refresh_token": "refresh-canary-2" }));
    world.network.says(&endpoint(LATER), 401, json!({ "error": "invalid_token" }));
    let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
    assert!(matches!(error, WalletError::Ended(_)));
    assert_eq!(world.network.sent_to(&endpoint("token")).len(), 2);
}

/// M02 to M05: the refresh token goes where the holder agreed that the code goes, and only while
/// the issuer still names that server.
#[tokio::test]
async fn a_refresh_token_is_sent_to_no_other_server() {
    let (world, pending, _) = put_off(1).await;
    let mut metadata = issuer_metadata();
    metadata["deferred_credential_endpoint"] = endpoint(LATER).into();
    metadata["authorization_servers"] = json!(["https://evil.example"]);
    world.network.says(ISSUER_METADATA, 200, metadata);
    let error = world.wallet.resume(&pending[0].id).await.unwrap_err();
    assert_eq!(error.code(), "bad_metadata");
    assert_eq!(world.network.sent_to(&endpoint("token")).len(), 1);
    assert!(world.network.sent().iter().all(|sent| !sent.url.contains("evil.example")));
    assert_eq!(world.store.pending().await.unwrap().records.len(), 1);
}

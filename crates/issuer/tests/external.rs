//! Credentials for tokens of another authorization server, over the router (VCI §12.2.4,
//! RFC 9068 §4).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use issuer::config::AuthorizationServer;
use issuer::credential_type::{Approval, CredentialType};
use issuer::external::External;
use keys::algorithm::Algorithm;
use keys::outside::Clock as _;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::offer::OfferLink;
use serde_json::{Map, Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::provider::{TestProvider, named};
use testkit::sender::dpop;
use testkit::sign_in::{PASSWORD, with_client};
use testkit::wire::{Answer, JSON};
use testkit::world::{ISSUER, World};

const CLIENT: &str = "a wallet of theirs";

/// A world with another server, at which Ada has the number 248289, and an account here.
async fn world(change: impl FnOnce(&mut AuthorizationServer)) -> (World, TestProvider) {
    world_with(|_| {}, change).await
}

async fn world_with(
    change_types: impl FnOnce(&mut BTreeMap<String, CredentialType>),
    change: impl FnOnce(&mut AuthorizationServer),
) -> (World, TestProvider) {
    let server = TestProvider::start().await;
    let world = World::with(|issuer| {
        with_client(issuer);
        change_types(&mut issuer.types);
        let mut config =
            AuthorizationServer { issuer: server.issuer.clone(), ..AuthorizationServer::default() };
        change(&mut config);
        issuer.external = External::open(&config).unwrap();
        issuer.config.authorization_server = config;
    })
    .await;
    let sample = Value::Object(world.issuer.types["student_card"].sample());
    let name = format!("{}#248289", server.issuer);
    let body = json!({ "name": name, "claims": { "student_card": sample } });
    let made = world.operator("POST", "/admin/v1/accounts", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    (world, server)
}

/// What a token says; those in `change` take the place of the others.
fn claims(world: &World, server: &TestProvider, change: &Value) -> Map<String, Value> {
    let now = world.clock.now().0;
    let detail =
        json!({ "type": "openid_credential", "credential_configuration_id": "student_card" });
    let mut claims = json!({
        "iss": server.issuer, "aud": ISSUER, "sub": "248289", "client_id": CLIENT, "jti": "1",
        "iat": now, "exp": now + 300, "authorization_details": [detail],
    });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims.as_object().unwrap().clone()
}

async fn token(world: &World, server: &TestProvider, change: &Value) -> String {
    let header = json!({ "typ": "at+jwt", "kid": "1" });
    server.sign(&header, &claims(world, server, change)).await
}

async fn body(world: &World, key: &SoftwareKey) -> Value {
    let mut draft = world.draft(key, &world.nonce().await);
    draft.claim("iss", Value::from(CLIENT));
    request("student_card", &[draft.sign(key).await])
}

async fn credential(world: &World, token: &str) -> Answer {
    let key = holder_key();
    let body = body(world, &key).await;
    world.credential_request(token, &body).await
}

/// The whole way, more than once, and on another node.
#[tokio::test]
async fn a_token_of_the_other_server_opens_what_its_person_has() {
    let (world, server) = world(|_| {}).await;
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    assert_eq!(metadata["authorization_servers"], json!([ISSUER, server.issuer]), "META-14");
    let wish = world.wish("student_card", &json!({ "by_value": true, "grants": "both" }));
    let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let link = OfferLink::parse(made["uri"].as_str().unwrap()).unwrap();
    assert!(format!("{link:?}").len() < 100_000);
    assert!(made["uri"].as_str().unwrap().contains("authorization_server"), "OFFER-13");

    let token = token(&world, &server, &json!({})).await;
    let issued = credential(&world, &token).await.success();
    assert_eq!(issued["credentials"].as_array().unwrap().len(), 1);
    credential(&world, &token).await.success();
    let key = holder_key();
    let body = body(&world, &key).await;
    let node = world.another_node(9).await;
    let begun = Request::post(world.issuer.endpoint("credential"));
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    let answer = node.ask(begun.header(CONTENT_TYPE, JSON), body.to_string()).await;
    answer.success(); // what one node admitted, all know
    world.clock.advance(400);
    let answer = notify(&world, &token, &issued).await;
    assert_eq!(answer.status, 204, "NOTIF-03: {answer:?}");
    assert!(credential(&world, &token).await.is(401, "invalid_token"), "it has expired");
}

/// With another first letter.
fn other_signature(signature: &str) -> String {
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    signature.chars().skip(1).fold(first.to_string(), |text, letter| text + &letter.to_string())
}

/// RFC 9068 §4: what opens nothing.
#[tokio::test]
async fn other_tokens_open_nothing() {
    let (world, server) = world(|_| {}).await;
    let now = world.clock.now().0;
    for (row, change, status, error) in [
        ("iss", json!({ "iss": "https://evil.example" }), 401, "invalid_token"),
        ("aud", json!({ "aud": "https://api.example" }), 401, "invalid_token"),
        ("exp", json!({ "exp": now }), 401, "invalid_token"),
        ("cnf", json!({ "cnf": { "x5t#S256": "x" } }), 401, "invalid_token"),
        ("nobody", json!({ "sub": null }), 401, "invalid_token"),
        ("no account", json!({ "sub": "1" }), 403, "insufficient_scope"),
        ("no scope", json!({ "authorization_details": [] }), 403, "insufficient_scope"),
    ] {
        let token = token(&world, &server, &change).await;
        let answer = credential(&world, &token).await;
        assert!(answer.is(status, error), "{row}: {answer:?}");
    }
    let good = token(&world, &server, &json!({})).await;
    let (front, signature) = good.rsplit_once('.').unwrap();
    for forged in [
        format!("{front}."),
        format!("{front}.{}", other_signature(signature)),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", front.split('.').nth(1).unwrap()),
        "opaque".to_owned(),
    ] {
        assert!(credential(&world, &forged).await.is(401, "invalid_token"), "{forged}");
    }
    let id_token = claims(&world, &server, &json!({}));
    let id_token = server.sign(&json!({ "typ": "JWT", "kid": "1" }), &id_token).await;
    assert!(credential(&world, &id_token).await.is(401, "invalid_token"), "RFC 8725 §3.12");
    let password = json!({ "password": PASSWORD });
    let path = format!(
        "/admin/v1/accounts/{}/password",
        server.issuer.replace('/', "%2F").replace(':', "%3A") + "%23248289"
    );
    assert_eq!(world.operator("POST", &path, Some(&password)).await.status, 422);
}

/// A signature can be changed without a key, and be good: the token is the same, and opens no more.
#[tokio::test]
async fn another_signature_makes_no_other_token() {
    let (world, server) = world(|_| {}).await;
    let [one, other] =
        [token(&world, &server, &json!({})).await, token(&world, &server, &json!({})).await];
    let signed = |token: &str| token.rsplit_once('.').unwrap().0.to_owned();
    assert!(signed(&one) == signed(&other) && one != other);
    credential(&world, &one).await.success();
    assert!(credential(&world, &other).await.is(401, "invalid_token"));
}

async fn remove_account(world: &World, server: &TestProvider) {
    let name = server.issuer.replace('/', "%2F").replace(':', "%3A") + "%23248289";
    let path = format!("/admin/v1/accounts/{name}");
    assert_eq!(world.operator("DELETE", &path, None).await.status, 204);
}

/// With the account its tokens end, those of another server too.
#[tokio::test]
async fn a_removed_account_ends_what_was_admitted() {
    let (world, server) = world(|_| {}).await;
    let token = token(&world, &server, &json!({})).await;
    let issued = credential(&world, &token).await.success();
    remove_account(&world, &server).await;
    assert!(credential(&world, &token).await.is(403, "insufficient_scope"));
    let answer = notify(&world, &token, &issued).await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
}

async fn notify(world: &World, token: &str, issued: &Value) -> Answer {
    let id = issued["notification_id"].as_str().unwrap();
    let event = json!({ "notification_id": id, "event": "credential_accepted" }).to_string();
    let begun = Request::post(world.issuer.endpoint("notification"));
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    world.public.ask(begun.header(CONTENT_TYPE, JSON), event).await
}

async fn fetch_later(world: &World, token: &str, transaction_id: &Value) -> Answer {
    let begun = Request::post(world.issuer.endpoint("deferred-credential"));
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    let body = json!({ "transaction_id": transaction_id }).to_string();
    world.public.ask(begun.header(CONTENT_TYPE, JSON), body).await
}

/// DEFER-21, NOTIF-03: what was begun with an opaque token outlives it, though its server knows
/// nothing of it any more.
#[tokio::test]
async fn what_an_opaque_token_began_outlives_it() {
    let (world, server) = world_with(
        |types| types.get_mut("student_card").unwrap().approval = Approval::Deferred,
        |config| config.introspection = true,
    )
    .await;
    server.answers().introspection = claims(&world, &server, &json!({ "active": true })).into();
    let waits = credential(&world, "opaque").await;
    assert_eq!(waits.status, 202, "{waits:?}");
    let transaction_id = waits.json()["transaction_id"].clone();
    server.answers().introspection = json!({ "active": false });
    world.clock.advance(24 * 3600);
    assert_eq!(fetch_later(&world, "opaque", &transaction_id).await.status, 202);
    let answer = fetch_later(&world, "another", &transaction_id).await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
    let listed = world.operator("GET", "/admin/v1/deferrals", None).await.json();
    let id = listed["deferrals"][0]["id"].as_str().unwrap();
    let approve = format!("/admin/v1/deferrals/{id}/approve");
    assert_eq!(world.operator("POST", &approve, None).await.status, 200);
    let issued = fetch_later(&world, "opaque", &transaction_id).await.success();
    assert_eq!(issued["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(notify(&world, "opaque", &issued).await.status, 204);
    assert!(credential(&world, "opaque").await.is(401, "invalid_token"), "SEC-30");
}

/// RFC 9449 §7.1: bound to a key, it is of no use without that, and good proofs come once.
#[tokio::test]
async fn a_bound_token_needs_its_key() {
    let (world, server) = world(|_| {}).await;
    let (key, thief) = (holder_key(), holder_key());
    let bound = json!({ "cnf": { "jkt": key.public_key().thumbprint().to_string() } });
    let token = token(&world, &server, &bound).await;
    assert!(credential(&world, &token).await.is(401, "invalid_token"), "as a Bearer token");
    let other_signature = self::token(&world, &server, &bound).await;
    assert!(credential(&world, &other_signature).await.is(401, "invalid_token"));
    let endpoint = world.issuer.endpoint("credential");
    let send = async |proof: &str| {
        let body = body(&world, &holder_key()).await;
        let begun = Request::post(&endpoint).header(AUTHORIZATION, format!("DPoP {token}"));
        let begun = begun.header("DPoP", proof).header(CONTENT_TYPE, JSON);
        world.public.ask(begun, body.to_string()).await
    };
    let now = world.clock.now().0;
    let stolen = dpop(&thief, &endpoint, now, Some(&token)).sign(&thief).await;
    assert_eq!(send(&stolen).await.status, 401);
    let proof = dpop(&key, &endpoint, now, Some(&token)).sign(&key).await;
    send(&proof).await.success();
    assert_eq!(send(&proof).await.status, 401, "RFC 9449 §11.1");
}

/// RFC 7662 §2.1: asked as the client that we are, for seconds not asked again, and dead when told.
#[tokio::test]
async fn an_opaque_token_is_what_its_server_says() {
    let (world, server) = world(|config| {
        config.introspection = true;
        config.client_id = "us:there".into();
    })
    .await;
    assert!(credential(&world, "opaque").await.is(401, "invalid_token"));
    let asked = server.answers().forms.len();
    assert!(credential(&world, "opaque").await.is(401, "invalid_token"));
    assert_eq!(server.answers().forms.len(), asked, "nobody makes us ask all the time");
    world.clock.advance(6);
    server.answers().introspection = claims(&world, &server, &json!({ "active": true })).into();
    credential(&world, "opaque").await.success();
    credential(&world, &"A".repeat(64)).await.success(); // as long as our own
    let asked = server.answers().forms.len();
    let form = server.answers().forms.last().unwrap().clone();
    assert!(form.contains(&("token".into(), "A".repeat(64))), "{form:?}");
    assert!(form.contains(&("client_id".into(), "us:there".into())), "{form:?}");
    credential(&world, "opaque").await.success();
    assert_eq!(server.answers().forms.len(), asked, "for seconds it is remembered");
    server.answers().introspection = json!({ "active": false });
    world.clock.advance(6);
    assert!(credential(&world, "opaque").await.is(401, "invalid_token"), "revoked there");
}

/// More tokens than are asked about at a time wait a moment for their turn.
#[tokio::test]
async fn many_tokens_at_once_are_all_asked_about() {
    let (world, server) = world(|config| config.introspection = true).await;
    assert_eq!(credential(&world, "first").await.status, 401); // the metadata are known now
    server.answers().takes = Duration::from_millis(100);
    let key = holder_key();
    let body = body(&world, &key).await;
    let asked = (0..50).map(|count| {
        let (world, body) = (&world, &body);
        async move { world.credential_request(&format!("opaque {count}"), body).await }
    });
    let refused = |answer: &Answer| answer.is(401, "invalid_token");
    let answers = futures_util::future::join_all(asked).await;
    let other = answers.iter().find(|answer| !refused(answer));
    assert!(other.is_none(), "{other:?}");
}

/// What cannot be asked is our trouble, not the token's.
#[tokio::test]
async fn a_server_that_is_away_is_no_verdict() {
    let (world, server) = world(|_| {}).await;
    let good = token(&world, &server, &json!({})).await;
    server.answers().metadata["jwks_uri"] = Value::Null;
    assert!(credential(&world, &good).await.is(503, "temporarily_unavailable"));
}

/// What is no document of the server takes no good one's place, and nobody makes us ask all the time.
#[tokio::test]
async fn a_server_that_stumbles_costs_nothing() {
    let (world, server) = world(|_| {}).await;
    let issuer = server.answers().metadata["issuer"].clone();
    server.answers().metadata["issuer"] = "https://evil.example".into();
    let early = token(&world, &server, &json!({})).await;
    assert!(credential(&world, &early).await.is(401, "invalid_token"), "RFC 8414 §3.3");
    server.answers().metadata["issuer"] = issuer;
    world.clock.advance(2);
    credential(&world, &early).await.success();
    server.answers().metadata["issuer"] = "https://evil.example".into();
    server.answers().jwks = json!({ "status": "starting" });
    world.clock.advance(3601);
    let reads = server.answers().jwks_reads;
    for jti in 0..3 {
        let late = token(&world, &server, &json!({ "jti": jti.to_string() })).await;
        credential(&world, &late).await.success();
    }
    assert_eq!(server.answers().jwks_reads, reads + 1, "it is given time");
    world.clock.advance(24 * 3600);
    let late = token(&world, &server, &json!({})).await;
    assert!(credential(&world, &late).await.is(401, "invalid_token"), "a day is enough");
}

/// A server may change its keys at any time (RFC 7517 §5): whoever comes while the new ones are read
/// waits for them, and while they cannot be read no token is called bad.
#[tokio::test]
async fn new_keys_of_the_server_refuse_nobody() {
    let (world, mut server) = world(|_| {}).await;
    credential(&world, &token(&world, &server, &json!({})).await).await.success();
    server.key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let new = json!({ "keys": [named(&server.key, "2")] });
    let newly_signed = async |jti: &str| {
        let claims = claims(&world, &server, &json!({ "jti": jti }));
        server.sign(&json!({ "typ": "at+jwt", "kid": "2" }), &claims).await
    };
    world.clock.advance(31);
    server.answers().jwks = Value::Null;
    let answer = credential(&world, &newly_signed("2").await).await;
    assert!(answer.is(503, "temporarily_unavailable"), "{answer:?}");
    world.clock.advance(2);
    server.answers().jwks = new;
    server.answers().takes = Duration::from_millis(500);
    let reads = server.answers().jwks_reads;
    let [first, second] = [newly_signed("3").await, newly_signed("4").await];
    let (first, second) = tokio::join!(credential(&world, &first), credential(&world, &second));
    first.success();
    second.success();
    assert_eq!(server.answers().jwks_reads, reads + 1, "they are read once for all");
}

//! Clients that are registered while the issuer serves, clients that fail, and offers for one
//! account.

use axum::http::Request;
use keys::algorithm::Algorithm;
use keys::outside::Clock as _;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::client::{ASSERTION_TYPE, ClientAuthentication, ClientKey, NewClientAssertion};
use serde_json::{Value, json};
use testkit::outside::TestRandom;
use testkit::sign_in::{Browser, CLIENT, REDIRECT, parameter, register, with_client};
use testkit::wire::Answer;
use testkit::world::{ISSUER, World};

fn client(client_id: &str) -> Value {
    json!({ "client_id": client_id, "name": "Test Wallet", "redirect_uris": [REDIRECT] })
}

async fn world() -> World {
    World::with(|issuer| issuer.config.authorization.clients_by_api = true).await
}

/// Registered, known to every node, and gone.
#[tokio::test]
async fn a_client_comes_and_goes_while_we_serve() {
    let world = world().await;
    world.account("ada", &["student_card"]).await;
    let address = world.authorize(&world.authorization_request("student_card", &[]));
    let mut browser = Browser::of(&world.public);
    assert_eq!(browser.open(&address).await.1.status, 400, "nobody knows it");
    let made = world.operator("POST", "/admin/v1/clients", Some(&client(CLIENT))).await;
    assert_eq!((made.status, made.json()), (201, json!({ "client_id": CLIENT })));
    let again = world.operator("POST", "/admin/v1/clients", Some(&client(CLIENT))).await;
    assert_eq!(again.status, 409);
    let second = world.operator("POST", "/admin/v1/clients", Some(&client("b"))).await;
    assert_eq!(second.status, 201);
    let listed = world.operator("GET", "/admin/v1/clients", None).await.json();
    assert_eq!(listed["clients"], json!([client("b"), client(CLIENT)]), "in their order");
    let after = world.operator("GET", "/admin/v1/clients/after/b", None).await.json();
    assert_eq!(after["clients"], json!([client(CLIENT)]));

    let (path, page) = browser.sign_in(&address, "ada").await;
    let allowed = browser.send(&path, &page, &[("answer", "allow")]).await;
    let code = parameter(allowed.header("location"), "code").unwrap();
    let tokens = world.redeem_code(&code, &[]).await.success();
    let (path, page) = browser.sign_in(&address, "ada").await;

    let removed = format!("/admin/v1/clients/{CLIENT}");
    assert_eq!(world.operator("DELETE", &removed, None).await.status, 204);
    assert_eq!(world.operator("DELETE", &removed, None).await.status, 404);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert!(world.refresh(refresh).await.is(401, "invalid_client"));
    let stopped = browser.send(&path, &page, &[("answer", "allow")]).await;
    assert_eq!((stopped.status, stopped.header("location")), (400, ""), "it gets no more codes");
}

/// What could not work is told to the operator, as for files.
#[tokio::test]
async fn a_client_that_cannot_work_is_not_registered() {
    let world = world().await;
    for (row, change) in [
        ("an address that is none", json!({ "redirect_uris": ["http://a.example/"] })),
        ("no address", json!({ "redirect_uris": [] })),
        ("no name", json!({ "name": "" })),
        ("spaces", json!({ "client_id": "a b" })),
        ("a password", json!({ "authentication": "client_secret_basic" })),
        ("no key", json!({ "authentication": "private_key_jwt" })),
        ("a file alone says so", json!({ "first_party": true })),
    ] {
        let mut body = client("a");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = world.operator("POST", "/admin/v1/clients", Some(&body)).await;
        assert_eq!(answer.status, 422, "{row}: {}", answer.text());
    }
    let unknown = json!({ "client_id": "a", "secret": "s" });
    assert_eq!(world.operator("POST", "/admin/v1/clients", Some(&unknown)).await.status, 400);
    let files = World::with(with_client).await;
    let answer = files.operator("POST", "/admin/v1/clients", Some(&client("a"))).await;
    assert_eq!(answer.status, 422, "clients_by_api is off");
    let answer = files.operator("DELETE", &format!("/admin/v1/clients/{CLIENT}"), None).await;
    assert_eq!(answer.status, 409, "a file is removed as a file");
}

/// An offer for one account shows nothing to anybody else.
#[tokio::test]
async fn an_offer_for_one_account_is_for_that_alone() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    world.account("eve", &["student_card"]).await;
    let mut wish = world.wish(
        "student_card",
        &json!({ "grants": "authorization_code", "account": "ada", "by_value": true }),
    );
    wish["claims"]["family_name"] = "Lovelace".into();
    let send = async |wish: &Value| world.operator("POST", "/admin/v1/offers", Some(wish)).await;
    let made = send(&wish).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let offer = parameter(made["uri"].as_str().unwrap(), "credential_offer").unwrap();
    let document: Value = serde_json::from_str(&offer).unwrap();
    let state = document["grants"]["authorization_code"]["issuer_state"].as_str().unwrap();
    let request = world.authorization_request("student_card", &[("issuer_state", state)]);
    let address = world.authorize(&request);
    let mut eve = Browser::of(&world.public);
    let (_, page) = eve.sign_in(&address, "eve").await;
    assert!(!page.text().contains("Lovelace"));
    let back = page.header("location");
    assert_eq!(parameter(back, "error").as_deref(), Some("access_denied"), "{back}");
    let (_, page) = Browser::of(&world.public).sign_in(&address, "ada").await;
    assert!(page.text().contains("Lovelace"), "{}", page.text());

    for (row, change) in [
        ("whoever has it could redeem it", json!({ "grants": "both" })),
        ("the other grant", json!({ "grants": "pre_authorized_code" })),
        ("nobody", json!({ "account": "bob" })),
    ] {
        let mut other = wish.clone();
        other.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(send(&other).await.status, 422, "{row}");
    }
}

/// RFC 6749 §5.2, TOKEN-22: who authenticates in a header, as no client of ours does, is told how.
#[tokio::test]
async fn a_failed_client_learns_the_scheme_that_it_used() {
    let world = World::with(with_client).await;
    let form = "grant_type=refresh_token&refresh_token=x&client_id=nobody&token=x";
    for endpoint in ["token", "par", "introspect", "revoke"] {
        let send = async |header: Option<&str>| {
            let begun = Request::post(world.issuer.endpoint(endpoint));
            let begun = begun.header("content-type", testkit::wire::FORM);
            let begun = match header {
                Some(header) => begun.header("authorization", header),
                None => begun,
            };
            let answer = world.public.ask(begun, form).await;
            assert!(answer.is(401, "invalid_client"), "{endpoint}: {answer:?}");
            answer.header("www-authenticate").to_owned()
        };
        assert_eq!(send(Some("Basic bm9ib2R5Og==")).await, "Basic realm=\"clients\"", "{endpoint}");
        assert_eq!(send(Some("bearer x")).await, "Bearer", "{endpoint}");
        assert_eq!(send(None).await, "", "{endpoint}");
    }
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn push(world: &World, form: &[(&str, &str)]) -> Answer {
    world.public.post_form(&world.issuer.endpoint("par"), form).await
}

/// RFC 7523 §3, RFC 9126 §2.1, RFC 7662 §2: a client with a key.
#[tokio::test]
async fn a_client_with_a_key_proves_itself_each_time() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let registered = ClientKey { kid: None, key: key.public_key().clone() };
    let world = World::with(|issuer| {
        register(issuer, CLIENT, ClientAuthentication::PrivateKeyJwt(vec![registered]));
    })
    .await;
    world.account("ada", &["student_card"]).await;
    let random = TestRandom::new(77);
    let assertion = async || {
        let new = NewClientAssertion {
            client_id: CLIENT,
            authorization_server: ISSUER,
            kid: None,
            now: world.clock.now(),
        };
        new.sign(&key, &random).await.unwrap()
    };
    let form = world.authorization_request("student_card", &[]);
    assert!(push(&world, &pairs(&form)).await.is(401, "invalid_client"), "without its key");
    let jwt = assertion().await;
    let proved = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jwt.as_str())];
    let all = [pairs(&form), proved.to_vec()].concat();
    let pushed = push(&world, &all).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    assert!(push(&world, &all).await.is(401, "invalid_client"), "RFC 7523 §3: once");
    let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let short = [("client_id".to_owned(), CLIENT.to_owned()), ("request_uri".into(), uri)];
    let back = Browser::of(&world.public).allow(&world.authorize(&short), "ada").await;
    let code = parameter(&back, "code").unwrap();
    assert!(world.redeem_code(&code, &[]).await.is(401, "invalid_client"));
    assert!(world.redeem_code(&code, &proved).await.is(401, "invalid_client"), "used before");
    let jwt = assertion().await;
    let proved = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jwt.as_str())];
    let tokens = world.redeem_code(&code, &proved).await.success();
    let token = tokens["access_token"].as_str().unwrap();
    let jwt = assertion().await;
    let ask = [
        ("token", token),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", jwt.as_str()),
    ];
    let answer = world.public.post_form(&world.issuer.endpoint("introspect"), &ask).await;
    let answer = answer.success();
    assert_eq!((&answer["active"], &answer["client_id"]), (&json!(true), &json!(CLIENT)));
}

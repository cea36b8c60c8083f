//! The Authorization Code Flow over the router: requests, pages, codes (VCI §5, RFC 6749 §4.1).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "the test of all pages needs more of it")]
mod html;

use axum::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use html::Html;
use oid4vci::offer::OfferLink;
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::sign_in::{Browser, CLIENT, REDIRECT, parameter, with_client};
use testkit::wire::Answer;
use testkit::world::{ISSUER, World};

/// What a test adds to a request.
type Change<'c> = &'c [(&'c str, &'c str)];

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The whole way: sign in, consent, code, token, credential, renewal, and its end.
#[tokio::test]
async fn a_person_signs_in_and_the_wallet_gets_the_credential() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let address = world.authorize(&world.authorization_request("student_card", &[]));
    let mut browser = Browser::of(&world.public);
    let (path, page) = browser.sign_in(&address, "ada").await;
    let text = page.text();
    Html::parse(&text).assert_ids_are_unique_and_found();
    let sample = world.issuer.types["student_card"].sample();
    let family_name = sample["family_name"].as_str().unwrap();
    for shown in ["Test Wallet", "ada", family_name] {
        assert!(text.contains(shown), "AUTHZ-25: {shown}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://wallet.example;"), "{policy}");
    let answer = browser.send(&path, &page, &[("answer", "allow")]).await;
    let back = answer.header("location");
    assert!(back.starts_with(REDIRECT), "{back}");
    assert_eq!(parameter(back, "state").as_deref(), Some("the state"), "AUTHZ-22");
    assert_eq!(parameter(back, "iss").as_deref(), Some(ISSUER), "RFC 9207 §2");

    let code = parameter(back, "code").unwrap();
    let tokens = world.redeem_code(&code, &[]).await.success();
    assert_eq!(tokens["token_type"], "Bearer");
    let details = &tokens["authorization_details"][0];
    assert_eq!(details["credential_configuration_id"], "student_card", "TOKEN-17");
    let identifier = details["credential_identifiers"][0].clone();
    let token = tokens["access_token"].as_str().unwrap();
    let key = holder_key();
    let mut draft = world.draft(&key, &world.nonce().await);
    draft.claim("iss", Value::from(CLIENT));
    let mut body = request("student_card", &[draft.sign(&key).await]);
    body.as_object_mut().unwrap().remove("credential_configuration_id");
    body["credential_identifier"] = identifier;
    let issued = world.credential_request(token, &body).await.success();
    assert_eq!(issued["credentials"].as_array().unwrap().len(), 1);

    let renewed = world.refresh(tokens["refresh_token"].as_str().unwrap()).await.success();
    assert_ne!(renewed["access_token"], tokens["access_token"]);
    let old = world.credential_request(token, &body).await;
    assert!(old.is(401, "invalid_token"), "the old token ended with its renewal");
    let refresh = renewed["refresh_token"].as_str().unwrap();
    let form = [("token", refresh), ("client_id", CLIENT)];
    let revoked = world.public.post_form(&world.issuer.endpoint("revoke"), &form).await;
    assert_eq!(revoked.status, 200, "RFC 7009 §2.2");
    assert!(world.refresh(refresh).await.is(400, "invalid_grant"));
}

/// RFC 6749 §4.1.2, B22: whatever comes twice ends what the first use gave.
#[tokio::test]
async fn what_comes_twice_ends_the_tokens() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let code = world.authorization_code("ada", "student_card").await;
    let tokens = world.redeem_code(&code, &[]).await.success();
    assert!(world.redeem_code(&code, &[]).await.is(400, "invalid_grant"));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert!(world.refresh(refresh).await.is(400, "invalid_grant"), "the code came twice");

    let code = world.authorization_code("ada", "student_card").await;
    let tokens = world.redeem_code(&code, &[]).await.success();
    let first = tokens["refresh_token"].as_str().unwrap();
    let second = world.refresh(first).await.success();
    assert!(world.refresh(first).await.is(400, "invalid_grant"), "replaced");
    let second = second["refresh_token"].as_str().unwrap();
    assert!(world.refresh(second).await.is(400, "invalid_grant"), "nobody knows whose it is");
}

/// RFC 6749 §4.1.3, RFC 7636 §4.6, B09, B21: a refused request costs the honest Wallet nothing.
#[tokio::test]
async fn a_code_is_of_no_use_to_others() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let code = world.authorization_code("ada", "student_card").await;
    let verifier = "another-verifier-that-is-long-enough-for-it";
    let rows: [(&str, Change<'_>, u16, &str); 6] = [
        ("another verifier", &[("code_verifier", verifier)], 400, "invalid_grant"),
        ("no verifier", &[("code_verifier", "")], 400, "invalid_request"),
        ("another redirect_uri", &[("redirect_uri", "https://x.example/")], 400, "invalid_grant"),
        ("no client", &[("client_id", "")], 401, "invalid_client"),
        ("an unknown client", &[("client_id", "x")], 401, "invalid_client"),
        ("TOKEN-04", &[("tx_code", "123456")], 400, "invalid_request"),
    ];
    for (row, change, status, error) in rows {
        let answer = world.redeem_code(&code, change).await;
        assert!(answer.is(status, error), "{row}: {answer:?}");
    }
    assert!(world.redeem(&code, &[]).await.is(400, "invalid_grant"), "B09: as the other code");
    let offered = world.offer("student_card", &json!({})).await;
    let swapped = world.redeem_code(&offered.code, &[]).await;
    assert!(swapped.is(400, "invalid_grant"), "B09: the other way round");
    world.redeem_code(&code, &[]).await.success();

    let late = world.authorization_code("ada", "student_card").await;
    world.clock.advance(60);
    assert!(world.redeem_code(&late, &[]).await.is(400, "invalid_grant"), "a minute, no more");
}

async fn push(world: &World, form: &[(&str, &str)]) -> Answer {
    world.public.post_form(&world.issuer.endpoint("par"), form).await
}

/// DEP-02, AUTHZ-02, RFC 9126 §2, RFC 9126 §4, AUTHZ-21: a `request_uri` is good for one browser of
/// its client, for a while.
#[tokio::test]
async fn a_pushed_request_opens_once() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let form = world.authorization_request("student_card", &[]);
    let pushed = push(&world, &pairs(&form)).await;
    assert_eq!((pushed.status, pushed.header("cache-control")), (201, "no-cache, no-store"));
    let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let short = |client: &str| {
        world.authorize(&[
            ("client_id".into(), client.into()),
            ("request_uri".into(), uri.clone()),
            ("state".into(), "an attacker's".into()),
        ])
    };
    let mut browser = Browser::of(&world.public);
    assert_eq!(browser.open(&short("another")).await.1.status, 400, "of another client");
    let back = browser.allow(&short(CLIENT), "ada").await;
    assert_eq!(parameter(&back, "state").as_deref(), Some("the state"), "RFC 9126 §4");
    assert_eq!(browser.open(&short(CLIENT)).await.1.status, 400, "used before");

    let pushed = push(&world, &pairs(&form)).await.json();
    world.clock.advance(90);
    let late = [
        ("client_id".to_owned(), CLIENT.to_owned()),
        ("request_uri".into(), pushed["request_uri"].as_str().unwrap().into()),
    ];
    assert_eq!(browser.open(&world.authorize(&late)).await.1.status, 400, "too late");
    let bad = world.authorization_request("student_card", &[("code_challenge", "")]);
    assert!(push(&world, &pairs(&bad)).await.is(400, "invalid_request"));
    let unknown = world.authorization_request("student_card", &[("client_id", "x")]);
    assert!(push(&world, &pairs(&unknown)).await.is(401, "invalid_client"));
}

/// RFC 9126 §5
#[tokio::test]
async fn an_operator_can_ask_for_pushed_requests() {
    let world = World::with(|issuer| {
        with_client(issuer);
        issuer.config.authorization.require_pushed_authorization_requests = true;
    })
    .await;
    let address = world.authorize(&world.authorization_request("student_card", &[]));
    assert_eq!(Browser::of(&world.public).open(&address).await.1.status, 400);
}

/// RFC 6749 §4.1.2.1, RFC 6749 §10.15: errors go to the client where it is known, else to the person.
#[tokio::test]
async fn an_error_goes_where_it_can_be_trusted() {
    let world = World::with(with_client).await;
    let ask = async |change: &[(&str, &str)]| {
        let address = world.authorize(&world.authorization_request("student_card", change));
        Browser::of(&world.public).open(&address).await.1
    };
    for change in [
        [("client_id", "x")],
        [("client_id", "")],
        [("redirect_uri", "")],
        [("redirect_uri", "https://wallet.example.evil/cb")],
        [("redirect_uri", "https://wallet.example/cb/../x")],
    ] {
        let answer = ask(&change).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{change:?}");
        assert!(answer.header("content-type").starts_with("text/html"), "{change:?}");
        Html::parse(&answer.text()).assert_ids_are_unique_and_found();
    }
    for (change, error) in [
        ([("response_type", "token")], "unsupported_response_type"),
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("authorization_details", "[]")], "invalid_authorization_details"),
        ([("authorization_details", "")], "invalid_scope"),
        ([("resource", "https://x.example")], "invalid_target"),
        ([("issuer_state", "made up")], "invalid_request"),
    ] {
        let answer = ask(&change).await;
        let back = answer.header("location");
        assert_eq!(parameter(back, "error").as_deref(), Some(error), "{change:?}");
        assert_eq!(parameter(back, "state").as_deref(), Some("the state"), "AUTHZ-23");
        assert_eq!(parameter(back, "iss").as_deref(), Some(ISSUER), "RFC 9207 §2");
    }
}

/// AUTHZ-07, CLAIM-02 and what an account has.
#[tokio::test]
async fn a_person_gets_what_the_account_has_and_the_wallet_wants() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let diploma = world.authorize(&world.authorization_request("diploma", &[]));
    let (_, answer) = Browser::of(&world.public).sign_in(&diploma, "ada").await;
    let back = answer.header("location");
    assert_eq!(parameter(back, "error").as_deref(), Some("access_denied"), "none of hers");

    let detail = |claims: Value| {
        let detail = json!([{
            "type": "openid_credential",
            "credential_configuration_id": "student_card",
            "claims": claims,
        }]);
        world.authorization_request("", &[("authorization_details", &detail.to_string())])
    };
    let missing = detail(json!([{ "path": ["no such claim"], "mandatory": true }]));
    let address = world.authorize(&missing);
    let (_, answer) = Browser::of(&world.public).sign_in(&address, "ada").await;
    assert_eq!(parameter(answer.header("location"), "error").as_deref(), Some("access_denied"));
}

/// VCI §4.1.1, AUTHZ-18, OFFER-11: an offer that is taken by signing in, or either way.
#[tokio::test]
async fn an_offer_can_ask_for_a_sign_in() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    for (grants, has_code) in [("authorization_code", false), ("both", true)] {
        let wish = world.wish("student_card", &json!({ "grants": grants, "by_value": true }));
        let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
        let uri = made["uri"].as_str().unwrap();
        let OfferLink::ByValue(offer) = OfferLink::parse(uri).unwrap() else { panic!("{uri}") };
        assert_eq!(offer.pre_authorized_code.is_some(), has_code, "{grants}");
        let state = offer.authorization_code.unwrap().issuer_state.unwrap();
        let diploma = world.authorization_request("diploma", &[("issuer_state", &state)]);
        let (_, answer) = Browser::of(&world.public).open(&world.authorize(&diploma)).await;
        let error = parameter(answer.header("location"), "error");
        assert_eq!(error.as_deref(), Some("invalid_authorization_details"), "TOKEN-11");
        let form = world.authorization_request("student_card", &[("issuer_state", &state)]);
        let back = Browser::of(&world.public).allow(&world.authorize(&form), "ada").await;
        world.redeem_code(&parameter(&back, "code").unwrap(), &[]).await.success();
        let (_, answer) = Browser::of(&world.public).open(&world.authorize(&form)).await;
        let error = parameter(answer.header("location"), "error");
        assert_eq!(error.as_deref(), Some("invalid_request"), "taken");
        if let Some(code) = offer.pre_authorized_code {
            let code = code.pre_authorized_code;
            assert!(world.redeem(code.expose(), &[]).await.is(400, "invalid_grant"), "once");
        }
    }
    let wish = world.wish("student_card", &json!({ "grants": "authorization_code" }));
    let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let link = made["uri"].as_str().unwrap().to_owned();
    let reference = parameter(&link, "credential_offer_uri").unwrap();
    let document = world.public.get(&reference).await.success();
    assert!(document["grants"]["authorization_code"]["issuer_state"].is_string(), "OFFER-11");
    assert_eq!(document["grants"].as_object().unwrap().len(), 1);
    let tx =
        world.wish("student_card", &json!({ "grants": "authorization_code", "tx_code": true }));
    assert_eq!(world.operator("POST", "/admin/v1/offers", Some(&tx)).await.status, 422);
}

/// PRIV-01, AUTHZ-07, AUTHZ-25: what the page showed is what is issued, from an account and from an
/// offer; and what ends a token ends all that it was good for (RFC 7009 §2).
#[tokio::test]
async fn what_was_consented_to_is_issued_until_the_token_ends() {
    let world = World::with(with_client).await;
    world.account("ada", &["student_card"]).await;
    let wish =
        world.wish("student_card", &json!({ "grants": "authorization_code", "by_value": true }));
    let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let OfferLink::ByValue(offer) = OfferLink::parse(made["uri"].as_str().unwrap()).unwrap() else {
        panic!("{made}")
    };
    let state = offer.authorization_code.unwrap().issuer_state.unwrap();
    let claims = json!([{ "path": ["given_name"] }]);
    let details = json!([{ "type": "openid_credential",
        "credential_configuration_id": "student_card", "claims": claims }]);
    let details = details.to_string();
    for (change, is_named) in [
        (vec![("authorization_details", details.as_str())], true),
        (vec![("authorization_details", details.as_str()), ("issuer_state", &state)], true),
        (vec![], false),
    ] {
        let id = if is_named { "" } else { "student_card" };
        let address = world.authorize(&world.authorization_request(id, &change));
        let back = Browser::of(&world.public).allow(&address, "ada").await;
        let tokens = world.redeem_code(&parameter(&back, "code").unwrap(), &[]).await.success();
        let token = tokens["access_token"].as_str().unwrap();
        let mut body = request("student_card", &[world.proof(&holder_key()).await]);
        body.as_object_mut().unwrap().remove("credential_configuration_id");
        body["credential_identifier"] =
            tokens["authorization_details"][0]["credential_identifiers"][0].clone();
        let answer = world.credential_request(token, &body).await.success();
        let credential = answer["credentials"][0]["credential"].as_str().unwrap();
        let disclosed: Vec<Value> = credential.split('~').skip(1).filter_map(disclosure).collect();
        let has = |name: &str| disclosed.iter().any(|one| one[1] == name);
        assert!(has("given_name"), "{disclosed:?}");
        assert_eq!(has("address"), !is_named, "{disclosed:?}");
        let told = json!({ "notification_id": answer["notification_id"],
            "event": "credential_accepted" });
        assert_eq!(notify(&world, token, &told).await.status, 204);
        world.clock.advance(5);
        let form = [("token", token), ("client_id", CLIENT)];
        world.public.post_form(&world.issuer.endpoint("revoke"), &form).await;
        assert!(notify(&world, token, &told).await.is(401, "invalid_token"), "it was ended");
    }
}

async fn notify(world: &World, token: &str, body: &Value) -> Answer {
    let begun = Request::post("/notification").header("content-type", "application/json");
    world
        .public
        .ask(begun.header("authorization", format!("Bearer {token}")), body.to_string())
        .await
}

fn disclosure(text: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// RFC 8414 §2, ASMETA-03: what is published is what is there.
#[tokio::test]
async fn the_flow_is_there_once_a_client_is() {
    let address = format!("{ISSUER}/.well-known/oauth-authorization-server");
    let without = World::new().await;
    let metadata = without.public.get(&address).await.json();
    assert!(metadata.get("authorization_endpoint").is_none());
    assert_eq!(metadata["grant_types_supported"].as_array().unwrap().len(), 1);
    for path in ["/par", "/revoke", "/introspect"] {
        let answer = without.public.post_form(path, &[("client_id", "x")]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let world = World::with(with_client).await;
    let metadata = world.public.get(&address).await.json();
    assert_eq!(metadata["authorization_endpoint"], world.issuer.endpoint("authorize"));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["pushed_authorization_request_endpoint"], world.issuer.endpoint("par"));
    for endpoint in ["token", "introspection", "revocation"] {
        let algorithms =
            &metadata[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert!(
            algorithms.as_array().unwrap().contains(&json!("ES256")),
            "RFC 8414 §2: {endpoint}"
        );
    }
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(
        grants.contains(&json!("authorization_code")) && grants.contains(&json!("refresh_token"))
    );
}

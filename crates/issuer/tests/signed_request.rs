//! Signed requests over the router (RFC 9101): in the browser's address, pushed, and of drafts.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use keys::algorithm::Algorithm;
use keys::outside::Clock as _;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::authorization::NewRequestObject;
use oid4vci::client::{ASSERTION_TYPE, ClientAuthentication, ClientKey, NewClientAssertion};
use oid4vci::legacy::Dialect;
use testkit::outside::TestRandom;
use testkit::sign_in::{Browser, CLIENT, REDIRECT, parameter, register, with_client};
use testkit::world::{ISSUER, World};

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A client that has registered a key.
async fn with_key(signs_requests: bool) -> (World, SoftwareKey) {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let registered = ClientKey { kid: None, key: key.public_key().clone() };
    let world = World::with(|issuer| {
        register(issuer, CLIENT, ClientAuthentication::PrivateKeyJwt(vec![registered]));
        issuer.clients.get_mut(CLIENT).unwrap().signs_requests = signs_requests;
        issuer.config.legacy.drafts = vec![Dialect::parse("13").unwrap()];
    })
    .await;
    world.account("ada", &["student_card"]).await;
    (world, key)
}

/// The request of [`World::authorization_request`], signed for this server.
async fn signed(world: &World, key: &SoftwareKey, server: &str) -> String {
    let request = world.authorization_request("student_card", &[]);
    let new = NewRequestObject {
        client_id: CLIENT,
        authorization_server: server,
        kid: None,
        parameters: &pairs(&request),
        now: world.clock.now(),
    };
    new.sign(key, &TestRandom::new(9)).await.unwrap()
}

/// RFC 9101 §5.1, RFC 9101 §6.3: what a browser could change does not count.
#[tokio::test]
async fn a_signed_request_is_taken_as_it_was_signed() {
    let (world, key) = with_key(false).await;
    let jwt = signed(&world, &key, ISSUER).await;
    let address = |more: &[(&str, &str)]| {
        let own = [("client_id", CLIENT), ("request", jwt.as_str())];
        let all = own.iter().chain(more);
        let all: Vec<_> = all.map(|(name, it)| ((*name).to_owned(), (*it).to_owned())).collect();
        world.authorize(&all)
    };
    let tampered = [("state", "an attacker's"), ("redirect_uri", "https://evil.example/")];
    let back = Browser::of(&world.public).allow(&address(&tampered), "ada").await;
    assert!(back.starts_with(REDIRECT), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("the state"));
    let both = address(&[("request_uri", "https://wallet.example/request.jwt")]);
    assert_eq!(Browser::of(&world.public).open(&both).await.1.status, 400, "RFC 9101 §5");
    world.clock.advance(1000);
    let late = Browser::of(&world.public).open(&address(&[])).await.1;
    assert_eq!((late.status, late.header("location")), (400, ""), "told to the person alone");
    assert!(late.text().contains("the request object has expired"), "{}", late.text());
}

/// RFC 9126 §3, RFC 9101 §10.5: also where it is pushed, and in a draft for that draft's server.
#[tokio::test]
async fn a_signed_request_may_be_pushed_and_can_be_demanded() {
    let (world, key) = with_key(true).await;
    let random = TestRandom::new(11);
    let push = async |place: &str, server: &str, form: &[(&str, &str)]| {
        let new = NewClientAssertion {
            client_id: CLIENT,
            authorization_server: server,
            kid: None,
            now: world.clock.now(),
        };
        let jwt = new.sign(&key, &random).await.unwrap();
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &*jwt)];
        world.public.post_form(place, &[form, &proof].concat()).await
    };
    let par = world.issuer.endpoint("par");
    let plain = world.authorization_request("student_card", &[]);
    let refused = push(&par, ISSUER, &pairs(&plain)).await;
    assert!(refused.is(400, "invalid_request"), "{}", refused.text());
    let opened = Browser::of(&world.public).open(&world.authorize(&plain)).await.1;
    assert_eq!(opened.status, 400, "nor in a browser");

    let draft = format!("{ISSUER}/draft-13");
    for server in [ISSUER, &draft] {
        let place = format!("{server}/par");
        let jwt = signed(&world, &key, server).await;
        let pushed = push(&place, server, &[("request", &jwt)]).await;
        assert_eq!(pushed.status, 201, "{server}: {}", pushed.text());
        let other = if server == ISSUER { &draft } else { ISSUER };
        let elsewhere = signed(&world, &key, other).await;
        let refused = push(&place, server, &[("request", &elsewhere)]).await;
        assert!(refused.is(400, "invalid_request_object"), "{server}: {}", refused.text());
    }
}

/// F09, RFC 9101 §5.2: nobody makes us fetch something; RFC 8414 §2: and what we take is said.
#[tokio::test]
async fn no_request_is_fetched_from_elsewhere() {
    let (world, _) = with_key(false).await;
    let elsewhere = [
        ("client_id".to_owned(), CLIENT.to_owned()),
        ("request_uri".to_owned(), "https://wallet.example/request.jwt".to_owned()),
    ];
    let answer = Browser::of(&world.public).open(&world.authorize(&elsewhere)).await.1;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("no request is fetched from elsewhere"), "{}", answer.text());
    let said = async |world: &World| {
        world.public.get("/.well-known/oauth-authorization-server").await.json()
    };
    let metadata = said(&world).await;
    assert_eq!(metadata["request_uri_parameter_supported"], false);
    assert_eq!(metadata["request_parameter_supported"], true);
    let algorithms = metadata["request_object_signing_alg_values_supported"].as_array().unwrap();
    assert!(algorithms.contains(&"ES256".into()) && !algorithms.contains(&"none".into()));
    let without = said(&World::with(with_client).await).await;
    assert_eq!(without["request_parameter_supported"], false, "nobody has a key");
    assert!(without.get("request_object_signing_alg_values_supported").is_none());
}

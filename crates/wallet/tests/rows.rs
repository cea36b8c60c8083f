//! Rules that bind a wallet and belong to no other file: what it sends, to whom, and what it leaves
//! alone.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::http::{HttpError, Method};
use world::{
    ISSUER, ISSUER_METADATA, Proof, SERVER_METADATA, World, endpoint, issuer_metadata, offer,
    server_metadata,
};

const BACK: &str = "http://127.0.0.1:49152/cb";

/// An authorization server where people sign in.
fn server_with_sign_in(more: &Value) -> Value {
    let mut server = server_metadata();
    server["authorization_endpoint"] = endpoint("authorize").into();
    server["code_challenge_methods_supported"] = json!(["S256"]);
    server.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server
}

fn offer_with_grants(grants: Value) -> Value {
    let mut offer = offer(&["student_card"]);
    offer["grants"] = grants;
    offer
}

/// OFFER-07, OFFER-11, OFFER-12: `issuer_state` comes back unchanged, pushed or in the address.
#[tokio::test]
async fn an_issuer_state_comes_back_as_it_came() {
    const STATE: &str = "a state/with+odd =characters&";
    let offer = offer_with_grants(json!({ "authorization_code": { "issuer_state": STATE } }));
    let world = World::new();
    world.network.says(SERVER_METADATA, 200, server_with_sign_in(&json!({})));
    let resolved = world.resolve(&offer).await.unwrap();
    let begun = world.wallet.begin_sign_in(resolved, BACK).await.unwrap();
    let query: BTreeMap<String, String> = begun.address().query_pairs().into_owned().collect();
    assert_eq!(query["issuer_state"], STATE);

    let world = World::new();
    let par = json!({ "pushed_authorization_request_endpoint": endpoint("par") });
    world.network.says(SERVER_METADATA, 200, server_with_sign_in(&par));
    world.network.says(&endpoint("par"), 201, json!({ "request_uri": "urn:x", "expires_in": 60 }));
    let resolved = world.resolve(&offer).await.unwrap();
    let begun = world.wallet.begin_sign_in(resolved, BACK).await.unwrap();
    assert_eq!(world.network.sent_to(&endpoint("par"))[0].form()["issuer_state"], STATE);
    assert!(begun.address().query_pairs().all(|(name, _)| name != "issuer_state"));

    let world = World::new();
    world.network.says(SERVER_METADATA, 200, server_with_sign_in(&json!({})));
    let plain = offer_with_grants(json!({ "authorization_code": {} }));
    let resolved = world.resolve(&plain).await.unwrap();
    let begun = world.wallet.begin_sign_in(resolved, BACK).await.unwrap();
    assert!(begun.address().query_pairs().all(|(name, _)| name != "issuer_state"));
}

/// OFFER-08, ASMETA-04: an offer that names no grant leaves it to the server, which must have a
/// sign-in; OFFER-09: of two the wallet picks.
#[tokio::test]
async fn an_offer_without_grants_is_taken_by_signing_in() {
    let silent = [offer_with_grants(json!({})), {
        let mut offer = offer(&["student_card"]);
        offer.as_object_mut().unwrap().remove("grants");
        offer
    }];
    for offer in silent {
        for (more, is_possible) in [
            (json!({}), true),
            (json!({ "grant_types_supported": ["authorization_code"] }), true),
            (json!({ "grant_types_supported": ["client_credentials"] }), false),
            (json!({ "authorization_endpoint": null }), false),
        ] {
            let world = World::new();
            world.network.says(SERVER_METADATA, 200, server_with_sign_in(&more));
            let resolved = world.resolve(&offer).await.unwrap();
            assert!(resolved.needs_sign_in());
            let begun = world.wallet.begin_sign_in(resolved, BACK).await;
            assert_eq!(begun.err() != Some(WalletError::NoSignIn), is_possible, "{more}");
        }
    }
    let pre_authorized = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let both = offer_with_grants(json!({
        pre_authorized: { "pre-authorized_code": "c" }, "authorization_code": {},
    }));
    let mut world = World::new();
    assert!(!world.resolve(&both).await.unwrap().needs_sign_in());
    world.wallet.settings.prefers_sign_in = true;
    assert!(world.resolve(&both).await.unwrap().needs_sign_in());
}

/// VCI §H.6: who knows the issuer needs no offer.
#[tokio::test]
async fn a_wallet_begins_at_an_issuer_without_an_offer() {
    let world = World::new();
    world.network.says(SERVER_METADATA, 200, server_with_sign_in(&json!({})));
    let ids = ["student_card".to_owned()];
    let scanned = ScannedOffer::of_issuer(ISSUER, &ids).unwrap();
    let consent = Consent::to(scanned.host());
    let fetched = world.wallet.fetch_offer(scanned, &consent).await.unwrap();
    assert!(world.network.sent().is_empty(), "there is no offer to be fetched");
    let described = world.wallet.describe_offer(fetched, &consent).await.unwrap();
    let resolved = world.wallet.resolve_offer(described, &consent).await.unwrap();
    assert!(resolved.needs_sign_in());
    let begun = world.wallet.begin_sign_in(resolved, BACK).await.unwrap();
    assert!(begun.address().query_pairs().all(|(name, _)| name != "issuer_state"));
    for (issuer, ids) in [(ISSUER, &[][..]), ("ftp://issuer.example", &ids), ("issuer", &ids)] {
        assert!(ScannedOffer::of_issuer(issuer, ids).is_err(), "{issuer}");
    }
}

/// OFFER-34: an offer is not answered; whoever lets it lie has only read what is public.
#[tokio::test]
async fn an_offer_that_is_left_alone_is_not_answered() {
    let world = World::new();
    drop(world.resolve(&offer(&["student_card"])).await.unwrap());
    let sent = world.network.sent();
    let is_public = |url: &str| url.contains("/.well-known/") || url.contains("/vct/");
    assert!(sent.iter().all(|sent| sent.method == Method::Get && is_public(&sent.url)), "{sent:?}");
}

/// CRED-01, DEFER-02, NOTIF-05, META-03: an endpoint without TLS is seen before the code is spent.
#[tokio::test]
async fn every_endpoint_is_behind_tls() {
    for name in [
        "credential_endpoint",
        "nonce_endpoint",
        "deferred_credential_endpoint",
        "notification_endpoint",
    ] {
        let world = World::new();
        let mut metadata = issuer_metadata();
        metadata[name] = json!("http://issuer.example/a/x");
        world.network.says(ISSUER_METADATA, 200, metadata);
        let error = world.resolve(&offer(&["student_card"])).await.unwrap_err();
        let host = "issuer.example".to_owned();
        assert_eq!(error, WalletError::Network { host, cause: HttpError::NotHttps }, "{name}");
        assert!(world.network.sent_to(&endpoint("token")).is_empty(), "{name}");
    }
}

/// CRED-53, CRED-62: a no is asked once, whatever it is called; only a dead nonce is another matter.
#[tokio::test]
async fn a_no_is_the_last_word() {
    for (code, times) in
        [("credential_request_denied", 1), ("a_code_of_tomorrow", 1), ("invalid_nonce", 2)]
    {
        let world = World::new();
        world.answers_credential(400, json!({ "error": code }));
        let error = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
        assert_eq!((error.code(), error.class()), (code, Class::Refused));
        assert_eq!(world.network.sent_to(&endpoint("credential")).len(), times, "{code}");
        assert_eq!(world.stored_keys(), 0, "{code}");
    }
}

/// CLAIM-03, CLAIM-07, META-43: what is not known in a description is left alone, and the order of
/// the descriptions is that of the lines.
#[tokio::test]
async fn descriptions_of_claims_may_say_more() {
    let world = World::new();
    let mut metadata = issuer_metadata();
    let card = &mut metadata["credential_configurations_supported"]["student_card"];
    card["credential_metadata"]["claims"] = json!([
        { "path": ["last"], "mandatory": true, "display": [{ "name": "Last" }], "weight": 3 },
        { "path": ["given_name"], "display": [{ "name": "First", "colour": "red" }] },
    ]);
    world.network.says(ISSUER_METADATA, 200, metadata);
    world.issues(|issuer, proof| {
        issuer.student_card(&proof.cnf(), |_, claims| claims["last"] = json!("Lovelace"))
    });
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let kept = world.wallet.keep(&received).await.unwrap().remove(0);
    let lines = kept.lines("en");
    let labels: Vec<&str> = lines.shown.iter().map(|line| line.label.as_str()).collect();
    assert_eq!(labels, ["Last", "First"]);
}

/// DEFER-08, DEFER-14: a plain request says what it is; what is not known in an answer is ignored.
#[tokio::test]
async fn answers_of_later_may_say_more() {
    let world = World::new();
    let mut metadata = issuer_metadata();
    metadata["deferred_credential_endpoint"] = endpoint("deferred").into();
    world.network.says(ISSUER_METADATA, 200, metadata);
    let later = json!({ "transaction_id": "t", "interval": 0, "c_nonce": "n", "more": {} });
    world.answers_credential(202, later);
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let asked = world.network.sent_to(&endpoint("credential")).remove(0);
    world.clock.to(1);
    let card = world.issuer.student_card(&Proof::of(&asked).cnf(), |_, _| {});
    let answer = json!({
        "credentials": [{ "credential": card, "format": "x" }], "c_nonce": "n", "more": [],
    });
    world.network.says(&endpoint("deferred"), 200, answer);
    let Resumed::Received(received) = world.wallet.resume(&received.pending()[0].id).await.unwrap()
    else {
        panic!("it is ready")
    };
    let sent = world.network.sent_to(&endpoint("deferred")).remove(0);
    assert_eq!(sent.headers["content-type"], "application/json");
    assert_eq!(received.previews()[0].credential().credential_issuer, ISSUER);
}

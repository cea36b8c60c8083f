//! Steps 2-3: offers as they leave the issuer, by value and by reference (VCI §4.1).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use axum::http::Request;
use oid4vci::offer::OfferLink;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::by_hand::Offered;
use testkit::proof::holder_key;
use testkit::wire::Answer;
use testkit::world::World;
use url::Url;

const CARD: &str = "student_card";

/// The one parameter of a link.
fn parameter(link: &str) -> (String, String) {
    let url = Url::parse(link).unwrap();
    assert_eq!(url.scheme(), "openid-credential-offer", "OFFER-31");
    let mut pairs = url.query_pairs();
    let (name, value) = pairs.next().unwrap();
    assert_eq!(pairs.next(), None, "OFFER-01");
    (name.into_owned(), value.into_owned())
}

async fn fetch(world: &World, offered: &Offered) -> Answer {
    let (name, address) = parameter(&offered.uri);
    assert_eq!(name, "credential_offer_uri");
    world.public.get(&address).await
}

/// A15, OFFER-27, OFFER-28: read as often as anybody likes, by whoever opens links.
#[tokio::test]
async fn fetching_an_offer_spends_nothing() {
    let world = World::new().await;
    let wish = world.wish(CARD, &json!({}));
    let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let id = made["id"].as_str().unwrap();
    let state = async || {
        let shown = world.operator("GET", &format!("/admin/v1/offers/{id}"), None).await;
        shown.json()["state"].as_str().unwrap().to_owned()
    };
    let (_, address) = parameter(made["uri"].as_str().unwrap());
    let look = world.public.ask(Request::head(&address), "").await;
    assert_eq!((look.status, look.body.len()), (200, 0), "RFC 9110 §9.3.2");
    assert_eq!(look.header("cache-control"), "no-store");
    assert_eq!(state().await, "created", "a link preview has not opened it");
    let first = world.public.get(&address).await;
    assert_eq!(look.header("content-type"), first.header("content-type"));
    assert_eq!(state().await, "fetched");
    let bot = Request::get(&address).header("user-agent", "PreviewBot/1.0");
    assert_eq!(world.public.ask(bot, "").await.success(), first.success());
    let grant = &first.success()["grants"][PRE_AUTHORIZED_CODE];
    world.redeem(grant["pre-authorized_code"].as_str().unwrap(), &[]).await.success();
}

/// OFFER-31: where the operator knows the wallet, its own scheme or website is in the link.
#[tokio::test]
async fn a_link_may_lead_to_the_wallet_of_the_holders() {
    for (endpoint, beginning) in [
        ("haip-vci://", "haip-vci://?credential_offer_uri="),
        ("https://wallet.example/offer", "https://wallet.example/offer?credential_offer_uri="),
        ("https://wallet.example/?a=b", "https://wallet.example/?a=b&credential_offer_uri="),
    ] {
        let world = World::with(|issuer| {
            issuer.config.offer.credential_offer_endpoint = Some(endpoint.to_owned());
        })
        .await;
        let wish = world.wish(CARD, &json!({}));
        let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
        let link = made["uri"].as_str().unwrap();
        assert!(link.starts_with(beginning), "{link}");
        assert!(OfferLink::parse(link).is_ok(), "our own wallet reads it");
        let by_value = world.wish(CARD, &json!({ "by_value": true }));
        let made = world.operator("POST", "/admin/v1/offers", Some(&by_value)).await.json();
        let beginning = beginning.replace("credential_offer_uri", "credential_offer");
        assert!(made["uri"].as_str().unwrap().starts_with(&beginning), "{made}");
    }
}

/// OFFER-38, OFFER-04, OFFER-05, OFFER-15, OFFER-18, OFFER-19, OFFER-20, OFFER-21
#[tokio::test]
async fn an_offer_says_what_a_wallet_needs_and_no_more() {
    let world = World::new().await;
    for tx_code in [false, true] {
        let offered = world.offer(CARD, &json!({ "tx_code": tx_code })).await;
        let mut document = fetch(&world, &offered).await.success();
        let grant = &mut document["grants"][PRE_AUTHORIZED_CODE];
        let input = grant.as_object_mut().unwrap().remove("tx_code");
        assert_eq!(input.is_some(), tx_code);
        if let Some(input) = input {
            assert_eq!((&input["input_mode"], &input["length"]), (&json!("numeric"), &json!(6)));
            assert!(input["description"].as_str().unwrap().chars().count() <= 300);
            let shown = offered.tx_code.as_deref().unwrap();
            assert!(shown.len() == 6 && shown.bytes().all(|digit| digit.is_ascii_digit()));
        }
        let expected = json!({
            "credential_issuer": world.issuer.credential_issuer(),
            "credential_configuration_ids": [CARD],
            "grants": { PRE_AUTHORIZED_CODE: { "pre-authorized_code": offered.code } },
        });
        assert_eq!(document, expected);
    }
}

/// A16: unknown, expired, used, locked and withdrawn look the same to whoever guesses.
#[tokio::test]
async fn dead_and_unknown_references_look_the_same() {
    let world = World::new().await;
    let [used, withdrawn, locked, expired] = [(); 4].map(|()| json!({ "tx_code": true }));
    let used = world.offer(CARD, &used).await;
    let withdrawn = world.offer(CARD, &withdrawn).await;
    let locked = world.offer(CARD, &locked).await;
    let expired = world.offer(CARD, &expired).await;
    world.redeem(&used.code, &[("tx_code", used.tx_code.as_deref().unwrap())]).await.success();
    let path = format!("/admin/v1/offers/{}", withdrawn.id);
    assert_eq!(world.operator("DELETE", &path, None).await.status, 204);
    let wrong = if locked.tx_code.as_deref() == Some("000000") { "000001" } else { "000000" };
    for _ in 0..5 {
        world.redeem(&locked.code, &[("tx_code", wrong)]).await;
    }
    let before = fetch(&world, &expired).await;
    assert_eq!(before.status, 200);
    let mut dead = vec![fetch(&world, &used).await];
    dead.push(fetch(&world, &withdrawn).await);
    dead.push(fetch(&world, &locked).await);
    world.clock.advance(600);
    dead.push(fetch(&world, &expired).await);
    let (_, address) = parameter(&expired.uri);
    for stranger in ["A".repeat(64), "1".to_owned(), "%00".to_owned(), "A".repeat(9_000)] {
        dead.push(world.public.get(&format!("/offers/{stranger}")).await);
    }
    let (front, last) = address.split_at(address.len() - 1);
    let changed = if last == "A" { "B" } else { "A" };
    dead.push(world.public.get(&format!("{front}{changed}")).await);
    for answer in &dead {
        assert!(answer.is(404, "not_found"), "{answer:?}");
        assert_eq!(answer.body, dead[0].body);
    }
}

/// OFFER-03, OFFER-16: nobody finds another's offer from his own.
#[tokio::test]
async fn codes_and_references_carry_32_random_bytes() {
    let world = World::new().await;
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        let offered = world.offer(CARD, &json!({})).await;
        let (_, address) = parameter(&offered.uri);
        assert!(address.starts_with("https://issuer.example/offers/"));
        let reference = address.rsplit('/').next().unwrap();
        for secret in [reference, &offered.code] {
            assert_eq!(secret.len(), 64, "16 bytes of id, 32 of secret");
            assert!(seen.insert(secret[22..].to_owned()), "the random part");
        }
        assert!(!address.contains(&offered.code), "R02: the link holds no code");
    }
}

/// OFFER-01: scanners decode twice and turn `+` into a space.
#[tokio::test]
async fn an_offer_by_value_survives_careless_scanners() {
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({ "by_value": true, "tx_code": true })).await;
    let (name, text) = parameter(&offered.uri);
    assert_eq!(name, "credential_offer");
    assert!(!text.contains(|c: char| c.is_whitespace() || c == '+' || c == '%'), "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    let grant = &document["grants"][PRE_AUTHORIZED_CODE];
    assert_eq!(grant["pre-authorized_code"], offered.code.as_str());
    assert!(grant["tx_code"]["description"].as_str().unwrap().contains(' '));
}

/// B17: a stolen database gives neither codes nor references nor tokens.
#[tokio::test]
async fn no_secret_is_in_a_file_of_the_store() {
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({ "tx_code": true })).await;
    let (_, address) = parameter(&offered.uri);
    let reference = address.rsplit('/').next().unwrap();
    let more = [("tx_code", offered.tx_code.as_deref().unwrap())];
    let answer = world.redeem(&offered.code, &more).await.success();
    let token = answer["access_token"].as_str().unwrap();
    for entry in std::fs::read_dir(world.folder.path().join("issuer")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for secret in [reference, offered.code.as_str(), token] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret in {}", path.display());
        }
    }
}

/// PRIV-04: a credential is made, answered and forgotten; a stolen database holds none.
#[tokio::test]
async fn no_issued_credential_is_in_a_file_of_the_store() {
    let world = World::new().await;
    let token = world.token(CARD).await;
    let proof = world.proof(&holder_key()).await;
    let answer = world.credential(&token, CARD, &[proof]).await.success();
    let credential = answer["credentials"][0]["credential"].as_str().unwrap();
    let signature = credential.split('~').next().unwrap().rsplit('.').next().unwrap();
    let disclosure = credential.split('~').nth(1).unwrap();
    for entry in std::fs::read_dir(world.folder.path().join("issuer")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for part in [signature, disclosure] {
            let found = bytes.windows(part.len()).any(|window| window == part.as_bytes());
            assert!(!found, "a credential in {}", path.display());
        }
    }
}

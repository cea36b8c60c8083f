//! Issuers of drafts that make an offer before it can be taken.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use serde_json::json;
use url::form_urlencoded::byte_serialize;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use world::draft::*;
use world::{World, endpoint};

async fn resolve(world: &World, link: &str) -> ResolvedOffer {
    let scanned = ScannedOffer::scan(link).unwrap();
    let consent = Consent::to(scanned.host());
    world.resolve_with(scanned, &consent).await.unwrap()
}

/// Drafts 12 and 13, section 6.3: the issuer is not ready, and the offer stays good.
#[tokio::test]
async fn an_offer_that_is_not_ready_can_be_taken_again() {
    let world = world("13", Diploma);
    world.network.says(&endpoint("token"), 400, json!({ "error": "authorization_pending" }));
    let offer = resolve(&world, &link("13", false)).await;
    let failure = world.wallet.request_token(offer, None).await.unwrap_err();
    assert_eq!(failure.error.code(), "authorization_pending");
    assert!(failure.error.hint().contains("again"));
    assert_eq!(failure.ask_again_after(), Some(5), "where the offer does not say");
    let mut token = world::token();
    token["c_nonce"] = "nonce-1".into();
    world.network.says(&endpoint("token"), 200, token);
    world.wallet.request_token(failure.offer, None).await.unwrap();
}

/// Draft 13, section 4.1.1: `interval` of the offer; who asked too often waits longer from then on, and
/// any other answer ends it.
#[tokio::test]
async fn who_has_to_wait_asks_in_the_interval_of_the_offer() {
    let world = world("12", Diploma);
    let says = |error: &str| {
        world.network.says(&endpoint("token"), 400, json!({ "error": error }));
    };
    let interval = byte_serialize(br#","interval":7}}}"#).collect::<String>();
    let link = link("12", false);
    let mut offer = resolve(&world, &format!("{}{interval}", &link[..link.len() - 9])).await;
    for (error, seconds) in [
        ("authorization_pending", Some(7)),
        ("slow_down", Some(12)),
        ("authorization_pending", Some(12)),
        ("slow_down", Some(17)),
        ("invalid_grant", None),
    ] {
        says(error);
        let failure = world.wallet.request_token(offer, None).await.unwrap_err();
        assert_eq!(failure.ask_again_after(), seconds, "{error}");
        offer = failure.offer;
    }
}

/// Drafts 8 to 11 say in the answer how long to wait (draft 11, section 6.2); no issuer makes us wait for
/// longer than a few minutes.
#[tokio::test]
async fn an_answer_says_how_long_to_wait() {
    for (draft, said, seconds) in
        [("8", Some(9), 9), ("11", Some(1_000_000), 300), ("11", Some(0), 1), ("9", None, 5)]
    {
        let world = world(draft, Diploma);
        let mut pending = json!({ "error": "authorization_pending" });
        pending["interval"] = said.into();
        world.network.says(&endpoint("token"), 400, pending);
        let offer = resolve(&world, &link(draft, false)).await;
        let failure = world.wallet.request_token(offer, None).await.unwrap_err();
        assert_eq!(failure.ask_again_after(), Some(seconds), "draft {draft}: {said:?}");
    }
}

/// Draft 8, section 7.2: an answer of success without a token, which is none; later drafts have no such
/// answer.
#[tokio::test]
async fn an_answer_without_a_token_can_be_pending() {
    for (draft, is_said) in [("8", false), ("11", false), ("13", true)] {
        let world = world(draft, Diploma);
        let pending = json!({ "authorization_pending": true, "interval": 7 });
        world.network.says(&endpoint("token"), 200, pending);
        let offer = resolve(&world, &link(draft, false)).await;
        let failure = world.wallet.request_token(offer, None).await.unwrap_err();
        assert_eq!(failure.error.code(), "authorization_pending", "draft {draft}");
        assert_eq!(failure.ask_again_after(), Some(7), "draft {draft}");
        assert_eq!(!failure.offer.findings().is_empty(), is_said, "draft {draft}");
    }
}

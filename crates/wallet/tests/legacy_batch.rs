//! Several copies at once from issuers that speak drafts 9 to 13, which have an endpoint for that
//! (draft 13, section 8).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::sync::Arc;

use serde_json::{Value, json};
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::receipt::Received;
use world::draft::*;
use world::{Answer, ISSUER, NOW, Proof, SigningKey, World, endpoint};

const BATCHING: [(&str, Kind); 6] =
    [("9", Diploma), ("11", Diploma), ("11", Card), ("12", Diploma), ("13", Diploma), ("13", Card)];

/// An issuer of the draft with a batch endpoint there.
fn batching(draft: &'static str, kind: Kind, place: &str) -> World {
    let world = world(draft, kind);
    let mut metadata = metadata(draft, kind);
    metadata["batch_credential_endpoint"] = place.into();
    metadata["deferred_credential_endpoint"] = endpoint("later").into();
    let document = if number(draft) <= 9 { OPENID_CONFIGURATION } else { APPENDED };
    world.network.says(document, 200, metadata);
    world
}

/// Answers each request of a batch; `None` puts it off.
fn answers(
    world: &World,
    (draft, kind): (&'static str, Kind),
    is_ready: impl Fn(usize) -> bool + Send + Sync + 'static,
) {
    let issuer = Arc::clone(&world.issuer);
    world.network.on(&endpoint("batch"), move |sent| {
        let body = sent.json();
        let requests = body["credential_requests"].as_array().unwrap();
        let one = |(place, request): (usize, &Value)| {
            let proof = Proof::of_request(request);
            assert_eq!(proof.claims["nonce"], "nonce-1", "one nonce for all");
            let mut bare = request.clone();
            bare.as_object_mut().unwrap().remove("proof").unwrap();
            assert_eq!(bare, expected_request(draft, kind));
            match is_ready(place) {
                true => json!({ "credential": credential(&issuer, kind, &proof) }),
                false if number(draft) <= 11 => json!({ "acceptance_token": "later" }),
                false => json!({ "transaction_id": "later" }),
            }
        };
        let responses: Vec<Value> = requests.iter().enumerate().map(one).collect();
        Answer::Json(200, json!({ "credential_responses": responses, "c_nonce": "nonce-2" }))
    });
}

/// An issuer that has nowhere to fetch what it puts off.
fn without_deferral() -> World {
    let world = world("13", Diploma);
    let mut metadata = metadata("13", Diploma);
    metadata["batch_credential_endpoint"] = endpoint("batch").into();
    world.network.says(APPENDED, 200, metadata);
    world
}

/// Puts the first of two off; the signature of the second is another's.
fn answers_later_and_badly(world: &World) {
    let another = SigningKey::new(NOW, ISSUER);
    world.network.on(&endpoint("batch"), move |sent| {
        let proof = Proof::of_request(&sent.json()["credential_requests"][1]);
        let bad = credential(&another, Diploma, &proof);
        let responses = json!([{ "transaction_id": "later" }, { "credential": bad }]);
        Answer::Json(200, json!({ "credential_responses": responses }))
    });
}

async fn receive(world: &World, draft: &str, copies: usize) -> Result<Received, WalletError> {
    let scanned = ScannedOffer::scan(&link(draft, false))?;
    let consent = Consent::to(scanned.host());
    let offer = world.resolve_with(scanned, &consent).await?;
    let authorized = world.wallet.request_token(offer, None).await.unwrap();
    let wish = KeyWish { copies, ..KeyWish::default() };
    world.wallet.request_credentials(&authorized, &wish).await
}

/// One request, one answer for each key, one card.
#[tokio::test]
async fn copies_come_from_the_batch_endpoint() {
    for (draft, kind) in BATCHING {
        let world = batching(draft, kind, &endpoint("batch"));
        answers(&world, (draft, kind), |_| true);
        let received = receive(&world, draft, 3).await.unwrap();
        let kept = world.wallet.keep(&received).await.unwrap();
        assert_eq!(kept.len(), 1, "draft {draft}");
        assert_eq!(kept[0].holder_keys().count(), 3, "draft {draft}");
        assert_eq!(world.network.sent_to(&endpoint("batch")).len(), 1);
        assert!(world.network.sent_to(&endpoint("credential")).is_empty());
    }
}

/// One copy needs no batch, and an issuer without the endpoint gives one.
#[tokio::test]
async fn one_is_asked_for_as_always() {
    let alone = batching("13", Diploma, &endpoint("batch"));
    receive(&alone, "13", 1).await.unwrap();
    assert!(alone.network.sent_to(&endpoint("batch")).is_empty());
    let without = world("13", Diploma);
    let received = receive(&without, "13", 3).await.unwrap();
    let kept = without.wallet.keep(&received).await.unwrap();
    assert_eq!(kept[0].holder_keys().count(), 1);
}

/// Draft 13, section 8.2: what is not ready comes later, each for itself; its keys stay.
#[tokio::test]
async fn what_of_a_batch_comes_later_is_kept() {
    for draft in ["11", "13"] {
        let world = batching(draft, Diploma, &endpoint("batch"));
        answers(&world, (draft, Diploma), |place| place == 1);
        let received = receive(&world, draft, 3).await.unwrap();
        assert_eq!((received.previews().len(), received.pending().len()), (1, 2));
        world.wallet.keep(&received).await.unwrap();
        for pending in received.pending() {
            let [key] = &pending.holder_keys[..] else { panic!("{pending:?}") };
            assert!(world.wallet.store.key(&key.kid).await.unwrap().is_some());
        }
    }
}

/// What one part of a batch lacks does not cost the others, nor their keys.
#[tokio::test]
async fn a_bad_part_does_not_cost_what_comes_later() {
    let world = batching("13", Diploma, &endpoint("batch"));
    answers_later_and_badly(&world);
    let received = receive(&world, "13", 2).await.unwrap();
    let [failure] = received.failures() else { panic!("{received:?}") };
    assert_eq!(failure.id, "id");
    assert!(matches!(failure.error, WalletError::NotVerified(_)), "{failure:?}");
    let [pending] = received.pending() else { panic!("{received:?}") };
    let [key] = &pending.holder_keys[..] else { panic!("{pending:?}") };
    assert!(world.wallet.store.key(&key.kid).await.unwrap().is_some());
    assert_eq!(world.stored_keys(), 1, "the key of the bad one is rubbish");
}

#[tokio::test]
async fn what_cannot_be_fetched_later_does_not_cost_what_came() {
    let world = without_deferral();
    answers(&world, ("13", Diploma), |place| place == 0);
    let received = receive(&world, "13", 2).await.unwrap();
    let [failure] = received.failures() else { panic!("{received:?}") };
    assert!(matches!(failure.error, WalletError::NotYet { .. }), "{failure:?}");
    let kept = world.wallet.keep(&received).await.unwrap();
    assert_eq!((kept.len(), world.stored_keys()), (1, 1));
}

/// Where nothing comes, what failed first is the answer, and no key is left.
#[tokio::test]
async fn a_batch_of_failures_is_one() {
    let world = without_deferral();
    answers_later_and_badly(&world);
    let error = receive(&world, "13", 2).await.unwrap_err();
    assert!(matches!(error, WalletError::NotYet { .. }), "{error:?}");
    assert_eq!(world.stored_keys(), 0);
}

/// An answer for two of three keys is none; and a batch goes to nobody else.
#[tokio::test]
async fn a_batch_is_answered_wholly_and_by_the_issuer() {
    let world = batching("13", Diploma, &endpoint("batch"));
    world.network.on(&endpoint("batch"), |_| {
        Answer::Json(200, json!({ "credential_responses": [{ "credential": "a" }] }))
    });
    let error = receive(&world, "13", 3).await.unwrap_err();
    assert_eq!(error.code(), "bad_answer");
    let led_away = batching("13", Diploma, "https://elsewhere.example/batch");
    let error = receive(&led_away, "13", 3).await.unwrap_err();
    assert!(matches!(error, WalletError::ForeignEndpoint { .. }), "{error:?}");
}

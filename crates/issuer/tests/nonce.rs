//! Step 11a over the router: nonces cost nothing to make and are good once (VCI §7).

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use keys::digest::MacKey;
use keys::outside::Clock as _;
use keys::signer::SoftwareKey;
use oid4vci::nonce::{LIFETIME_SECONDS, NonceResponse};
use testkit::by_hand::request;
use testkit::outside::TestRandom;
use testkit::proof::holder_key;
use testkit::wire::{Answer, FORM, JSON};
use testkit::world::World;
use tokio::task::JoinSet;

const CARD: &str = "student_card";

/// NONCE-02, NONCE-03, NONCE-04, NONCE-06, NONCE-12
#[tokio::test]
async fn anybody_gets_a_nonce_whatever_the_body() {
    let world = World::new().await;
    for (content_type, body) in [("", ""), (FORM, ""), (FORM, "a=b"), (JSON, "{}"), (JSON, "[")] {
        let mut begun = Request::post("/nonce").header("authorization", "Bearer nonsense");
        if !content_type.is_empty() {
            begun = begun.header(CONTENT_TYPE, content_type);
        }
        let answer = world.public.ask(begun, body).await.success();
        assert_eq!(answer.as_object().unwrap().len(), 1, "nothing but c_nonce: {answer}");
        assert!(answer["c_nonce"].as_str().unwrap().len() >= 43, "at least 256 bits");
    }
}

/// E06, NONCE-05
#[tokio::test]
async fn no_nonce_comes_twice() {
    let world = World::new().await;
    let mut seen = BTreeSet::new();
    for _ in 0..1_000 {
        assert!(seen.insert(world.nonce().await));
    }
}

/// E07: whoever asks for thousands of nonces fills no disk.
#[tokio::test]
async fn making_a_nonce_stores_nothing() {
    let world = World::new().await;
    let size = || {
        let files = fs::read_dir(world.folder.path().join("issuer")).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>()
    };
    let before = size();
    for _ in 0..500 {
        world.nonce().await;
    }
    assert_eq!(size(), before);
}

async fn ask(world: &World, token: &str, key: &SoftwareKey, nonce: &str) -> Answer {
    let proof = world.draft(key, nonce).sign(key).await;
    world.credential(token, CARD, &[proof]).await
}

/// E01, NONCE-10, CRED-58
#[tokio::test]
async fn a_nonce_is_good_once() {
    let world = World::new().await;
    let (token, key, nonce) = (world.token(CARD).await, holder_key(), world.nonce().await);
    ask(&world, &token, &key, &nonce).await.success();
    assert!(ask(&world, &token, &key, &nonce).await.is(400, "invalid_nonce"));
    let other = world.token(CARD).await;
    assert!(ask(&world, &other, &holder_key(), &nonce).await.is(400, "invalid_nonce"));
    let fresh = world.nonce().await;
    ask(&world, &token, &key, &fresh).await.success();
}

/// E01: also on a server that has not seen it (a node remembers nothing that others do not).
#[tokio::test]
async fn a_nonce_is_good_once_on_all_nodes_together() {
    let world = World::new().await;
    let (token, key, nonce) = (world.token(CARD).await, holder_key(), world.nonce().await);
    let body = request(CARD, &[world.draft(&key, &nonce).sign(&key).await]).to_string();
    let answers = [world.another_node(2).await, world.another_node(3).await].map(|node| {
        let begun = Request::post("/credential").header(CONTENT_TYPE, JSON);
        let begun = begun.header("authorization", format!("Bearer {token}"));
        let body = body.clone();
        async move { node.ask(begun, body).await }
    });
    let [first, second] = answers;
    first.await.success();
    assert!(second.await.is(400, "invalid_nonce"));
}

/// E01 with 100 at once: of several tokens, so that nothing but the nonce can refuse them.
#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_spent_once_by_racing_requests() {
    let world = Arc::new(World::new().await);
    let nonce = world.nonce().await;
    let mut racers = JoinSet::new();
    for _ in 0..10 {
        let token = world.token(CARD).await;
        for _ in 0..10 {
            let (world, token, nonce) = (Arc::clone(&world), token.clone(), nonce.clone());
            racers.spawn(async move { ask(&world, &token, &holder_key(), &nonce).await });
        }
    }
    let answers = racers.join_all().await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.is(400, "invalid_nonce")));
}

/// E02, PROOF-32: expired to the second, of another issuer, under another key, made up, spoilt.
#[tokio::test]
async fn a_nonce_that_is_not_ours_or_too_old_is_refused() {
    let world = World::new().await;
    let (token, key) = (world.token(CARD).await, holder_key());
    let (now, random) = (world.clock.now(), TestRandom::new(9));
    let keys = world.issuer.keys();
    let nonce_key = &keys.nonce;
    let make = |issuer: &str, key: &MacKey, now| NonceResponse::fresh(issuer, key, now, &random);
    let ours = world.issuer.credential_issuer();
    let good = world.nonce().await;
    let cut = &good[1..];
    let spoilt = format!("{}A{}", &good[..20], &good[21..]);
    let rows = [
        ("of another issuer", make("https://other.example", nonce_key, now).c_nonce),
        ("under another key", make(ours, &MacKey::new([1; 32]), now).c_nonce),
        ("from the past", make(ours, nonce_key, now.minus(LIFETIME_SECONDS)).c_nonce),
        ("made up", "made-up".to_owned()),
        ("empty", String::new()),
        ("cut", cut.to_owned()),
        ("spoilt", spoilt),
        ("padded", format!("{good}=")),
        ("long", "A".repeat(8_000)),
    ];
    for (row, nonce) in rows {
        let answer = ask(&world, &token, &key, &nonce).await;
        assert!(answer.is(400, "invalid_nonce"), "{row}: {answer:?}");
    }
    ask(&world, &token, &key, &good).await.success();
}

/// E02: the last second is good, the next one is not.
#[tokio::test]
async fn a_nonce_expires_to_the_second() {
    for (seconds, status) in [(LIFETIME_SECONDS - 1, 200), (LIFETIME_SECONDS, 400)] {
        let world = World::new().await;
        let nonce = world.nonce().await;
        world.clock.advance(seconds);
        let token = world.token(CARD).await;
        assert_eq!(ask(&world, &token, &holder_key(), &nonce).await.status, status, "{seconds} s");
    }
}

/// E03, CRED-57
#[tokio::test]
async fn a_proof_needs_a_nonce() {
    let world = World::new().await;
    let (token, key) = (world.token(CARD).await, holder_key());
    for nonce in [None, Some(7.into()), Some(serde_json::Value::Null)] {
        let mut draft = world.draft(&key, "");
        draft.claim("nonce", nonce);
        let answer = world.credential(&token, CARD, &[draft.sign(&key).await]).await;
        assert!(answer.is(400, "invalid_proof"), "{answer:?}");
    }
}

/// E04: one nonce for all proofs of a request, or one each; one bad proof refuses them all.
#[tokio::test]
async fn proofs_of_one_request_stand_and_fall_together() {
    let world = World::new().await;
    let token = world.token(CARD).await;
    let keys = [holder_key(), holder_key(), holder_key()];
    let nonces = [world.nonce().await, world.nonce().await, world.nonce().await];
    let sign = async |nonces: [&str; 3]| {
        let mut proofs = Vec::new();
        for (key, nonce) in keys.iter().zip(nonces) {
            proofs.push(world.draft(key, nonce).sign(key).await);
        }
        proofs
    };
    let [one, two, three] = [&*nonces[0], &*nonces[1], &*nonces[2]];
    let bad = world.credential(&token, CARD, &sign([one, two, "bad"]).await).await;
    assert!(bad.is(400, "invalid_nonce"), "{bad:?}");
    let each = world.credential(&token, CARD, &sign([one, two, three]).await).await.success();
    assert_eq!(each["credentials"].as_array().unwrap().len(), 3, "nothing was spent before");
    let half_spent = [world.nonce().await, world.nonce().await];
    let [fresh, other] = [&*half_spent[0], &*half_spent[1]];
    let spent = world.credential(&token, CARD, &sign([fresh, other, one]).await).await;
    assert!(spent.is(400, "invalid_nonce"), "one of them was used before: {spent:?}");
    world.credential(&token, CARD, &sign([fresh, fresh, fresh]).await).await.success();
    world.credential(&token, CARD, &sign([other, other, other]).await).await.success();
}

/// E05: what a refused request signed can be signed again.
#[tokio::test]
async fn a_refused_request_spends_no_nonce() {
    let world = World::new().await;
    let (token, key, nonce) = (world.token(CARD).await, holder_key(), world.nonce().await);
    let forged = world.draft(&key, &nonce).sign(&holder_key()).await;
    assert!(world.credential(&token, CARD, &[forged]).await.is(400, "invalid_proof"));
    assert!(ask(&world, "no-token", &key, &nonce).await.is(401, "invalid_token"));
    ask(&world, &token, &key, &nonce).await.success();
}

//! A Token Response that was lost on its way: who proved a key can ask again (RFC 9449 §5).

use std::sync::Arc;

use keys::signer::SoftwareKey;
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::world::World;
use tokio::task::JoinSet;

const CARD: &str = "student_card";
const TICKET: &str = "course_ticket";

async fn code(world: &World) -> String {
    world.offer(TICKET, &json!({})).await.code
}

/// The first answer was lost: the same key gets another token, and the lost one is dead.
#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again_by_the_same_key() {
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({ "tx_code": true })).await;
    let (key, right) = (holder_key(), offered.tx_code.clone().unwrap());
    let ask = async |key: &SoftwareKey, tx_code: &str| {
        let proof = world.dpop(key, "token", None).sign(key).await;
        world.redeem_as(&offered.code, &[("DPoP", &proof)], &[("tx_code", tx_code)]).await
    };
    let lost = ask(&key, &right).await.success();
    world.clock.advance(59);
    for (rule, answer) in [
        ("another key", ask(&holder_key(), &right).await),
        ("no key", world.redeem(&offered.code, &[("tx_code", &right)]).await),
        ("a wrong tx_code", ask(&key, "12345").await),
    ] {
        assert!(answer.is(400, "invalid_grant"), "{rule}: {answer:?}");
    }
    assert_eq!(world.standing(&offered).await["wrong_tx_codes"], 0, "it opens nothing");
    let found = ask(&key, &right).await.success();
    let (lost, found) = (&lost["access_token"], &found["access_token"]);
    assert_ne!(lost, found);
    let with = async |token: &Value| {
        let token = token.as_str().unwrap();
        let holder = holder_key();
        let proofs = [world.proof(&holder).await];
        let proof = world.dpop(&key, "credential", Some(token)).sign(&key).await;
        let scheme = format!("DPoP {token}");
        let headers = [("authorization", scheme.as_str()), ("DPoP", &proof)];
        world.credential_as(&headers, &request(CARD, &proofs)).await
    };
    assert!(with(lost).await.is(401, "invalid_token"), "one token is alive");
    with(found).await.success();
    let issued = ask(&key, &right).await;
    assert!(issued.is(400, "invalid_grant"), "something was issued: {issued:?}");
}

#[tokio::test]
async fn a_code_is_given_up_a_minute_after_it_was_redeemed() {
    let world = World::new().await;
    let (code, key) = (code(&world).await, holder_key());
    world.redeem_bound(&code, &key).await.success();
    world.clock.advance(40);
    world.redeem_bound(&code, &key).await.success();
    world.clock.advance(20);
    let late = world.redeem_bound(&code, &key).await;
    assert!(late.is(400, "invalid_grant"), "a retry does not make the code younger: {late:?}");
}

/// Racing retries: some are answered, and the last of their tokens is the living one.
#[tokio::test(flavor = "multi_thread")]
async fn racing_retries_leave_one_living_token() {
    let world = Arc::new(World::new().await);
    let (code, key) = (code(&world).await, Arc::new(holder_key()));
    let mut racers = JoinSet::new();
    for _ in 0..200 {
        let (world, code, key) = (Arc::clone(&world), code.clone(), Arc::clone(&key));
        racers.spawn(async move { world.redeem_bound(&code, &key).await });
    }
    let mut living = 0;
    let mut tokens = Vec::new();
    for answer in racers.join_all().await {
        if answer.status == 200 {
            tokens.push(answer.json()["access_token"].as_str().unwrap().to_owned());
        } else {
            assert!(answer.is(400, "invalid_grant"), "{answer:?}");
        }
    }
    for token in &tokens {
        // Authenticated, and refused for what it asks: nothing is issued meanwhile.
        let proof = world.dpop(&key, "credential", Some(token)).sign(&key).await;
        let scheme = format!("DPoP {token}");
        let headers = [("authorization", scheme.as_str()), ("DPoP", &proof)];
        let unknown = json!({ "credential_configuration_id": "unknown" });
        let answer = world.credential_as(&headers, &unknown).await;
        living += usize::from(answer.status == 400);
    }
    assert!(!tokens.is_empty());
    assert_eq!(living, 1, "of {}", tokens.len());
}

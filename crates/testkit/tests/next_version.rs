//! What the draft of OpenID4VCI 1.1 adds, between our issuer with its switches on and our wallet,
//! which has none (V11-15 to V11-18).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use async_trait::async_trait;
use issuer::Issuer;
use issuer::credential_type::Approval;
use issuer::flow::deferred::approve_deferral;
use issuer::store::deferral::DeferralPage;
use oid4vci::secret::TxCode;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::wire::Wire;
use testkit::world::World;
use wallet::Wallet;
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::receipt::Received;
use wallet::http::{Http, HttpError, Request, Response};
use wallet::store::StoredCredential;

const CARD: &str = "student_card";

fn with_invalid_tx_code(issuer: &mut Issuer) {
    issuer.config.openid4vci_1_1.invalid_tx_code = true;
}

fn with_credential_metadata(issuer: &mut Issuer) {
    issuer.config.openid4vci_1_1.credential_metadata = true;
}

/// A network that puts other labels into the answers of an issuer.
#[derive(Debug)]
struct Labels(Wire, Value);

#[async_trait]
impl Http for Labels {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let mut answer = Http::send(&self.0, request).await?;
        let body = serde_json::from_slice::<Value>(&answer.body).ok();
        if let Some(mut body) = body.filter(|body| body.get("credentials").is_some()) {
            assert!(body.get("credential_metadata").is_some_and(Value::is_object), "V11-16");
            body.as_object_mut().unwrap().insert("credential_metadata".into(), self.1.clone());
            answer.body = body.to_string().into_bytes();
        }
        Ok(answer)
    }
}

fn labelled(world: &World, metadata: Value) -> Wallet {
    // What is under a cover cannot be changed on its way.
    Wallet { http: Arc::new(Labels(world.public.clone(), metadata)), ..world.wallet.clone() }
}

async fn resolve(wallet: &Wallet, uri: &str) -> ResolvedOffer {
    agreed::resolve(wallet, uri).await.unwrap()
}

async fn receive(world: &World, wallet: &Wallet) -> Received {
    let offered = world.offer(CARD, &json!({})).await;
    let offer = resolve(wallet, &offered.uri).await;
    let authorized = wallet.request_token(offer, None).await.unwrap();
    wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap()
}

async fn kept(wallet: &Wallet, received: &Received) -> StoredCredential {
    let kept = wallet.keep(received).await.unwrap().remove(0);
    wallet.store.credential(&kept.id).await.unwrap().unwrap()
}

/// V11-15, AMB-19: the code alone is wrong, so it is asked for again; with the switch off it is as
/// in 1.0, and a good wallet asks all the same.
#[tokio::test]
async fn a_wrong_transaction_code_is_asked_for_again() {
    let (next, now) = (World::with(with_invalid_tx_code).await, World::new().await);
    for (world, error) in [(&next, "invalid_tx_code"), (&now, "invalid_grant")] {
        let offered = world.offer(CARD, &json!({ "tx_code": true })).await;
        let right = offered.tx_code.clone().unwrap();
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let offer = resolve(&world.wallet, &offered.uri).await;
        let failure = world.wallet.request_token(offer, Some(TxCode::new(wrong))).await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.error.code(), error);
        assert!(failure.may_retype());
        assert_eq!(world.standing(&offered).await["wrong_tx_codes"], 1, "it was counted");
        world.wallet.request_token(failure.offer, Some(TxCode::new(&*right))).await.unwrap();
        // V11-15: of a code that is no good any more it is not said which of the two was wrong.
        let again = world.redeem(&offered.code, &[("tx_code", wrong)]).await;
        assert!(again.is(400, "invalid_grant"), "{}", again.text());
    }
    let offered = next.offer(CARD, &json!({ "tx_code": true })).await;
    let wrong = if offered.tx_code.as_deref() == Some("000000") { "000001" } else { "000000" };
    for attempt in 1..=next.issuer.config.offer.tx_code_attempts_max {
        let answer = next.redeem(&offered.code, &[("tx_code", wrong)]).await;
        assert!(answer.is(400, "invalid_tx_code"), "{attempt}: {}", answer.text());
    }
    let right = offered.tx_code.unwrap();
    for tx_code in [wrong, &*right] {
        let answer = next.redeem(&offered.code, &[("tx_code", tx_code)]).await;
        assert!(answer.is(400, "invalid_grant"), "it is locked: {}", answer.text());
    }
}

/// V11-16: only where the operator wants it, and the same as is published.
#[tokio::test]
async fn an_issuer_sends_labels_where_it_is_told_to() {
    for (world, is_sent) in
        [(World::with(with_credential_metadata).await, true), (World::new().await, false)]
    {
        let (token, key) = (world.token(CARD).await, testkit::proof::holder_key());
        let proof = world.proof(&key).await;
        let answer = world.credential(&token, CARD, &[proof]).await.success();
        let published = world.issuer.types.get(CARD).unwrap().credential_metadata();
        let expected = if is_sent { published } else { Value::Null };
        assert_eq!(answer.get("credential_metadata").cloned().unwrap_or_default(), expected);
        let credential = kept(&world.wallet, &receive(&world, &world.wallet).await).await;
        assert_eq!(credential.credential_metadata.is_some(), is_sent);
        assert_eq!(credential.display.face("en").unwrap().name, "Student Card");
    }
}

/// V11-17, V11-18: what came with the credential counts, the rest is as it is published, and what
/// nobody here knows is kept.
#[tokio::test]
async fn labels_of_the_answer_count_over_those_that_are_published() {
    let world = World::with(|issuer| {
        with_credential_metadata(issuer);
        uncovered(issuer);
    })
    .await;
    let plain = kept(&world.wallet, &receive(&world, &world.wallet).await).await;
    let special = json!({
        "display": [{ "locale": "en", "name": "Special Card", "com.example": { "x": 1 } }],
        "claims": [{ "path": ["given_name"], "display": [{ "locale": "en", "name": "First" }] }],
        "com.example": { "y": 2 },
    });
    let wallet = labelled(&world, special);
    let credential = kept(&wallet, &receive(&world, &wallet).await).await;
    let (before, after) =
        (plain.display.face("en").unwrap(), credential.display.face("en").unwrap());
    assert_eq!(after.name, "Special Card");
    assert_eq!(after.background_color, before.background_color, "member by member");
    assert_eq!(after.description, before.description, "member by member");
    assert_eq!(credential.display.claims.len(), plain.display.claims.len());
    let given_name = credential.display.claims.iter().find(|one| one.path == [json!("given_name")]);
    assert_eq!(given_name.unwrap().name("en"), Some("First"));
    let stored = credential.credential_metadata.unwrap();
    assert_eq!(stored.pointer("/com.example/y"), Some(&json!(2)), "V11-18");
    assert_eq!(stored.pointer("/display/0/com.example/x"), Some(&json!(1)), "V11-18");
}

/// V11-16: also where the credential comes later.
#[tokio::test(flavor = "multi_thread")]
async fn labels_come_with_a_deferred_credential_too() {
    let world = World::with(|issuer| {
        with_credential_metadata(issuer);
        uncovered(issuer);
        let card = issuer.types.get_mut(CARD).unwrap();
        (card.approval, card.tx_code) = (Approval::Deferred, false);
    })
    .await;
    let wallet = labelled(&world, json!({ "display": [{ "locale": "en", "name": "Late Card" }] }));
    let received = receive(&world, &wallet).await;
    let pending = received.pending().first().unwrap().clone();
    let page = DeferralPage { state: None, after: None, limit: 1 };
    let id = world.issuer.store.deferrals(page).await.unwrap().remove(0).id;
    approve_deferral(&world.issuer, id, None).await.unwrap();
    world.clock.advance(3600);
    let Resumed::Received(received) = wallet.resume(&pending.id).await.unwrap() else {
        panic!("it is approved");
    };
    let credential = kept(&wallet, &received).await;
    assert_eq!(credential.display.face("en").unwrap().name, "Late Card");
}

/// Answers that a test can change on their way.
fn uncovered(issuer: &mut Issuer) {
    issuer.config.encryption.response = oid4vci::encryption::Encryption::Off;
    issuer.config.encryption.request = oid4vci::encryption::Encryption::Off;
    issuer.encryption = issuer.config.encryption.policy().unwrap();
}

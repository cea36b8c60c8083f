//! What a token is good for, held against what was offered; and metadata that cannot be meant.

mod world;

use oid4vci::metadata::MetadataError;
use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use world::{
    ISSUER_METADATA, SERVER_METADATA, World, endpoint, issuer_metadata, offer, server_metadata,
    token,
};

fn details(ids: &[&str]) -> Value {
    let detail = |id: &&str| {
        json!({
            "type": "openid_credential", "credential_configuration_id": id,
            "credential_identifiers": [format!("{id}-1")],
        })
    };
    ids.iter().map(detail).collect()
}

/// TOKEN-20, CRED-03, CRED-06: what the token is not good for is not asked for, and is named.
#[tokio::test]
async fn what_was_not_granted_is_not_asked_for() {
    let world = World::new();
    let mut answer = token();
    answer["authorization_details"] = details(&["student_card"]);
    world.network.says(&endpoint("token"), 200, answer.clone());
    let authorized = world.authorize(&["student_card", "diploma"]).await;
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    let received = received.unwrap();
    assert_eq!(received.previews().len(), 1);
    let [failure] = received.failures() else { unreachable!("{received:?}") };
    assert_eq!(failure.id, "diploma");
    assert_eq!(failure.error, WalletError::NotGranted { id: "diploma".into() });
    assert_eq!(failure.error.class(), Class::Refused);
    let asked = world.network.sent_to(&endpoint("credential"));
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].json()["credential_identifier"], "student_card-1");

    answer["authorization_details"] = details(&["ticket"]);
    world.network.says(&endpoint("token"), 200, answer);
    let error = world.receive("student_card", &KeyWish::default()).await.unwrap_err();
    assert_eq!(error.code(), "not_granted");
    assert_eq!(world.network.sent_to(&endpoint("credential")).len(), 1, "nothing is sent");
}

/// RFC 6749 §3.3, RFC 6749 §5.1, CRED-06: less than was asked for by scope; a renewal that says
/// nothing of it gives no more.
#[tokio::test]
async fn a_scope_that_was_not_granted_is_not_asked_for() {
    let world = World::new();
    let mut metadata = issuer_metadata();
    for (id, scope) in [("student_card", "card"), ("diploma", "degree")] {
        metadata["credential_configurations_supported"][id]["scope"] = json!(scope);
    }
    world.network.says(ISSUER_METADATA, 200, metadata);
    let mut server = server_metadata();
    server["authorization_endpoint"] = endpoint("authorize").into();
    world.network.says(SERVER_METADATA, 200, server);
    let mut offer = offer(&["student_card", "diploma"]);
    offer["grants"] = json!({ "authorization_code": {} });
    let resolved = world.resolve(&offer).await.unwrap();
    let begun = world.wallet.begin_sign_in(resolved, "http://127.0.0.1:49152/cb").await.unwrap();
    let asked = |name: &str| {
        let mut pairs = begun.address().query_pairs();
        pairs.find(|(given, _)| given == name).map(|(_, value)| value.into_owned()).unwrap()
    };
    assert_eq!(asked("scope"), "card degree");
    let query = format!("code=c&state={}", asked("state"));
    let mut answer = token();
    answer["refresh_token"] = json!("r");
    answer["scope"] = json!("card");
    world.network.says(&endpoint("token"), 200, answer.clone());
    let authorized = world.wallet.finish_sign_in(begun, &query).await.unwrap();
    answer.as_object_mut().unwrap().remove("scope");
    world.network.says(&endpoint("token"), 200, answer);
    let renewed = world.wallet.renew(&authorized).await.unwrap().unwrap();
    for authorized in [authorized, renewed] {
        let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
        let received = received.unwrap();
        assert_eq!(received.previews().len(), 1);
        assert_eq!(received.failures()[0].error, WalletError::NotGranted { id: "diploma".into() });
    }
}

/// RFC 6749 §5.1: who did not ask by scope is told nothing by it.
#[tokio::test]
async fn a_scope_that_was_not_asked_for_is_no_matter() {
    let world = World::new();
    let mut answer = token();
    answer["scope"] = json!("openid profile");
    world.network.says(&endpoint("token"), 200, answer);
    world.receive("student_card", &KeyWish::default()).await.unwrap();
}

/// CLAIM-08 to CLAIM-10: processing ends, before anything is spent; other credentials of the issuer
/// are not touched by that.
#[tokio::test]
async fn claims_that_contradict_each_other_end_the_flow() {
    for paths in [
        json!([["given_name"], ["given_name"]]),
        json!([["list", null], ["list", 0]]),
        json!([["address", "city"], ["address", 0]]),
    ] {
        let world = World::new();
        let mut metadata = issuer_metadata();
        let claims: Value =
            paths.as_array().unwrap().iter().map(|path| json!({ "path": path })).collect();
        let card = &mut metadata["credential_configurations_supported"]["student_card"];
        card["credential_metadata"]["claims"] = claims;
        world.network.says(ISSUER_METADATA, 200, metadata);
        let error = world.resolve(&offer(&["student_card"])).await.unwrap_err();
        assert_eq!(error, WalletError::Metadata(MetadataError::ContradictoryClaims));
        assert!(world.network.sent_to(&endpoint("token")).is_empty());
        world.resolve(&offer(&["diploma"])).await.unwrap();
    }
}

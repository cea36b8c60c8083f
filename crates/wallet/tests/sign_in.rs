//! VCI §5: what the wallet asks for when the holder signs in, and at whose server.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::sign_in::SignIn;
use world::{
    ISSUER, ISSUER_METADATA, SERVER_METADATA, World, issuer_metadata, server_metadata, token,
};

const BACK: &str = "http://127.0.0.1:49152/cb";
const AUTHORIZE: &str = "https://issuer.example/a/authorize";

/// Metadata of an issuer where the holder can sign in.
fn publish(world: &World, issuer: &Value, more: &Value) {
    let mut server = server_metadata();
    let members = server.as_object_mut().unwrap();
    members.extend(
        json!({
            "authorization_endpoint": AUTHORIZE,
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    members.extend(more.as_object().unwrap().clone());
    world.network.says(ISSUER_METADATA, 200, issuer.clone());
    world.network.says(SERVER_METADATA, 200, server);
}

fn scoped(scopes: &[(&str, &str)]) -> Value {
    let mut issuer = issuer_metadata();
    for (id, scope) in scopes {
        issuer["credential_configurations_supported"][*id]["scope"] = json!(scope);
    }
    issuer
}

async fn begin(world: &World, ids: &[&str]) -> Result<SignIn, WalletError> {
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ids,
        "grants": { "authorization_code": { "issuer_state": "from the offer" } },
    });
    let offer = world.resolve(&offer).await?;
    world.wallet.begin_sign_in(offer, BACK).await
}

fn query(begun: &SignIn) -> BTreeMap<String, String> {
    begun.address().query_pairs().into_owned().collect()
}

/// AUTHZ-11, AUTHZ-18, HAIP-19, HAIP-23: by scope where a scope means what is wanted and nothing
/// else, by details otherwise, and never by both.
#[tokio::test]
async fn the_wallet_asks_by_scope_where_it_can() {
    let card = ("student_card", "card");
    for (rule, scopes, ids, scope) in [
        ("one", &[card][..], &["student_card"][..], Some("card")),
        (
            "two",
            &[card, ("diploma", "diploma")],
            &["student_card", "diploma"],
            Some("card diploma"),
        ),
        ("not every one has a scope", &[card], &["student_card", "diploma"], None),
        ("it means another credential too", &[card, ("diploma", "card")], &["student_card"], None),
        ("none has", &[], &["student_card"], None),
    ] {
        let world = World::new();
        publish(&world, &scoped(scopes), &json!({}));
        let sent = query(&begin(&world, ids).await.unwrap());
        assert_eq!(sent.get("scope").map(String::as_str), scope, "{rule}");
        assert_eq!(sent.contains_key("authorization_details"), scope.is_none(), "{rule}");
        assert!(!sent.contains_key("resource"), "{rule}: it is its own server");
        assert_eq!(sent.get("issuer_state").map(String::as_str), Some("from the offer"));
    }
}

/// AUTHZ-16, TOKEN-10, RFC 8707 §2: a server that an issuer names may serve several.
#[tokio::test]
async fn a_server_of_several_issuers_is_told_for_which_one() {
    let world = World::new();
    let mut issuer = scoped(&[("student_card", "card")]);
    issuer["authorization_servers"] = json!([ISSUER]);
    publish(&world, &issuer, &json!({}));
    let begun = begin(&world, &["student_card"]).await.unwrap();
    let sent = query(&begun);
    assert_eq!(sent.get("resource").map(String::as_str), Some(ISSUER), "AUTHZ-16");
    let mut with_refresh = token();
    with_refresh["refresh_token"] = json!("r");
    world.network.says(&world::endpoint("token"), 200, with_refresh);
    let back = format!("code=c&state={}", sent.get("state").unwrap());
    let authorized = world.wallet.finish_sign_in(begun, &back).await.unwrap();
    world.wallet.renew(&authorized).await.unwrap().unwrap();
    let sent = world.network.sent_to(&world::endpoint("token"));
    assert_eq!(sent.len(), 2);
    for request in sent {
        let form = request.form();
        assert_eq!(form.get("resource").map(String::as_str), Some(ISSUER), "TOKEN-10: {form:?}");
    }
}

/// AUTHZ-02, RFC 7636 §4.2, RFC 8414 §2: a server that knows PKCE, and not S256, is left; one that
/// does not speak of it ignores what it does not know.
#[tokio::test]
async fn a_server_that_lists_other_ways_of_pkce_is_left() {
    for (methods, is_taken) in [
        (json!(["S256"]), true),
        (json!(["plain", "S256"]), true),
        (json!(["plain"]), false),
        (json!([]), false),
    ] {
        let world = World::new();
        publish(
            &world,
            &issuer_metadata(),
            &json!({ "code_challenge_methods_supported": methods }),
        );
        match begin(&world, &["student_card"]).await {
            Ok(begun) => {
                assert!(is_taken, "{methods}");
                let sent = query(&begun);
                assert_eq!(sent.get("code_challenge_method").map(String::as_str), Some("S256"));
            }
            Err(error) => {
                assert!(!is_taken, "{methods}");
                assert_eq!((error.class(), error.code()), (Class::Refused, "no_pkce"));
            }
        }
    }
    let world = World::new();
    let mut server = server_metadata();
    server["authorization_endpoint"] = json!(AUTHORIZE);
    server["grant_types_supported"] = json!(["authorization_code"]);
    world.network.says(SERVER_METADATA, 200, server);
    assert!(begin(&world, &["student_card"]).await.is_ok(), "nothing is said");
}

//! Where older issuers have what they publish: what libraries of their time guess is excused where a
//! draft is spoken, said in a finding, and done nowhere else.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use serde_json::json;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use world::draft::{APPENDED, Diploma, OPENID_CONFIGURATION, link, metadata};
use world::{ISSUER, ISSUER_METADATA, SERVER_METADATA, World, endpoint, issuer_metadata, offer};

async fn resolve(world: &World) -> ResolvedOffer {
    let scanned = ScannedOffer::scan(&link("11", false)).unwrap();
    let consent = Consent::to(scanned.host());
    world.resolve_with(scanned, &consent).await.unwrap()
}

/// An issuer that never moved its metadata, and names no endpoint.
#[tokio::test]
async fn what_an_older_issuer_leaves_out_is_found_beside_it_and_named() {
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let world = world::draft::world("11", Diploma);
        let mut document = metadata("11", Diploma);
        document.as_object_mut().unwrap().remove("credential_endpoint");
        document["issuer"] = ISSUER.into();
        for absent in [APPENDED, SERVER_METADATA, OPENID_CONFIGURATION] {
            world.network.says(absent, 404, json!({}));
        }
        world.network.says(&format!("{ISSUER}/.well-known/{name}"), 200, document);

        let offer = resolve(&world).await;
        let findings = offer.findings().concat();
        for finding in ["those of its authorization server", "no credential_endpoint"] {
            assert!(findings.contains(finding), "{name}: {findings}");
        }
        let authorized = world.wallet.request_token(offer, None).await.unwrap();
        let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
        assert_eq!(received.unwrap().previews().len(), 1);
        for guessed in ["token", "credential"] {
            assert_eq!(world.network.sent_to(&endpoint(guessed)).len(), 1, "{name}: {guessed}");
        }
    }
}

#[tokio::test]
async fn a_silent_issuer_is_no_reason_to_look_elsewhere() {
    let world = world::draft::world("11", Diploma);
    world.network.says(APPENDED, 500, json!({}));
    let scanned = ScannedOffer::scan(&link("11", false)).unwrap();
    let consent = Consent::to(scanned.host());
    world.resolve_with(scanned, &consent).await.unwrap_err();
    assert!(world.network.sent_to(OPENID_CONFIGURATION).is_empty());
}

#[tokio::test]
async fn nothing_is_guessed_of_an_issuer_of_1_0() {
    let world = World::new();
    world.network.says(ISSUER_METADATA, 404, json!({}));
    world.network.says(OPENID_CONFIGURATION, 200, issuer_metadata());
    world.resolve(&offer(&["student_card"])).await.unwrap_err();
    assert!(world.network.sent_to(OPENID_CONFIGURATION).is_empty());

    let mut metadata = issuer_metadata();
    metadata.as_object_mut().unwrap().remove("credential_endpoint");
    world.network.says(ISSUER_METADATA, 200, metadata);
    world.resolve(&offer(&["student_card"])).await.unwrap_err();
}

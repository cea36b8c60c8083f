//! The certificate of the key that signs: nothing is signed that nobody could verify.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use issuer::generations::{FOLLOWED_SECONDS, KeyPurpose, Rotation, Start, rotate};
use issuer::issue::signer_warnings;
use keys::outside::{Clock as _, SystemRandom};
use oid4vci::grant::OfferState;
use serde_json::json;
use testkit::proof::holder_key;
use testkit::world::World;

const DAY: u64 = 24 * 3600;

/// RFC 5280 §6.1: it is our own fault, and costs the holder neither offer nor nonce.
#[tokio::test]
async fn an_expired_certificate_signs_nothing() {
    let world = World::new().await;
    let not_after = world.issuer.keys().signing.certificate.not_after;
    world.clock.advance(not_after.0 - world.clock.now().0);
    let token = world.token("student_card").await;
    let proof = world.proof(&holder_key()).await;
    world.credential(&token, "student_card", std::slice::from_ref(&proof)).await.success();

    let offered = world.offer("student_card", &json!({ "without_tx_code": true })).await;
    let token = world.redeem(&offered.code, &[]).await.json();
    let token = token["access_token"].as_str().unwrap();
    let proof = world.proof(&holder_key()).await;
    world.clock.advance(1);
    let ask = async || world.credential(token, "student_card", std::slice::from_ref(&proof)).await;
    assert!(ask().await.is(500, "server_error"));
    let standing = world.standing(&offered).await;
    assert_eq!(standing["state"], OfferState::Redeemed.name(), "nothing is on record: {standing}");
    let diploma = world.token("diploma").await;
    let bare = world.proof(&holder_key()).await;
    world.credential(&diploma, "diploma", &[bare]).await.success(); // its key is looked up by name

    let rotation = Rotation {
        config: &world.issuer.config,
        now: world.clock.now(),
        random: &SystemRandom,
        start: Start::AtOnce,
        certificate: None,
    };
    rotate(KeyPurpose::Signing, &rotation).unwrap();
    world.clock.advance(FOLLOWED_SECONDS);
    assert!(world.issuer.follow_keys().unwrap());
    ask().await.success(); // with the same nonce
}

/// What an operator hears before it is too late.
#[tokio::test]
async fn what_outlives_its_signers_certificate_is_told() {
    let world = World::new().await;
    let keys = world.issuer.keys();
    let told = |days: u64| {
        let now = world.clock.now().plus(days * DAY);
        signer_warnings(&keys, &world.issuer.types, now).join("\n")
    };
    assert_eq!(told(0), "", "a new issuer has time");
    let later = told(400);
    assert!(later.contains("credentials/student_card.toml"), "{later}");
    assert!(later.contains(&keys.signing.certificate.not_after.to_rfc3339()), "{later}");
    assert!(!later.contains("course_ticket"), "it is good for half a year: {later}");
    assert!(!told(730).contains("diploma"), "no certificate goes with it");
}

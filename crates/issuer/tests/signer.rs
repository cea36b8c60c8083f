//! The key that signs, replaced (catalogue I10), and its certificate: nothing is signed that nobody
//! could verify.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::sync::Arc;

use axum::http::Request;
use formats::status_list::CredentialStatus;
use formats::status_list::token::{TokenFormat, parse};
use formats::verified::Verified;
use issuer::credential_type::Format;
use issuer::generations::{
    FOLLOWED_SECONDS, KeyPurpose, Retired, Rotation, SigningKeyWish, Start, Uses, retire, rotate,
};
use issuer::issue::signer_warnings;
use keys::outside::{Clock as _, SystemRandom, Timestamp};
use keys::public_key::PublicKey;
use oid4vci::grant::OfferState;
use oid4vci::signed_metadata::UnverifiedMetadata;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::world::World;

const CARD: &str = "student_card";
const DIPLOMA: &str = "diploma";
const DAY: u64 = 24 * 3600;
const LEAD: u64 = 3_600;

fn make_next(world: &World, start: Start) {
    let rotation = Rotation {
        config: &world.issuer.config,
        now: world.clock.now(),
        random: &SystemRandom,
        start,
        certificate: None,
        wish: &SigningKeyWish::Same,
    };
    rotate(KeyPurpose::Signing, &rotation).unwrap();
}

/// The key is replaced, and the issuer has noticed.
fn replaced(world: &World) {
    make_next(world, Start::After(LEAD));
    assert!(world.issuer.follow_keys().unwrap(), "there is another manifest");
    world.clock.advance(LEAD);
    assert!(world.issuer.follow_keys().unwrap(), "its time has come");
}

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

    make_next(&world, Start::AtOnce);
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

/// What went wrong in the making of a credential is our fault, and does not get a signature.
#[tokio::test]
async fn what_is_not_as_it_was_configured_is_not_signed() {
    let world = World::with(|issuer| {
        let diploma = issuer.types.get_mut(DIPLOMA).unwrap();
        let Format::W3c(w3c) = &mut diploma.format else { panic!("another format") };
        w3c.types.remove(0); // which is made up for, so that the credential says more
    })
    .await;
    let token = world.token(DIPLOMA).await;
    let proof = world.proof(&holder_key()).await;
    assert!(world.credential(&token, DIPLOMA, &[proof]).await.is(500, "server_error"));
}

/// RFC 5280 §6.1: after that nobody could verify it, whatever it says of itself.
#[tokio::test]
async fn a_credential_ends_with_the_certificate_that_goes_with_it() {
    let world = World::new().await;
    let signing = world.issuer.keys().signing.certificate.not_after;
    world.clock.advance(400 * DAY);
    let key = world.issuer.keys().published[0].public_key.clone();
    for (id, is_cut) in [(CARD, true), (DIPLOMA, false)] {
        let credential = credential(&world, id).await;
        let unverified = formats::parse(world.issuer.types[id].format.name(), &credential).unwrap();
        let end = unverified.verify(&key, world.clock.now()).unwrap().expires_at.unwrap();
        assert_eq!(end == signing, is_cut, "{id}: {end:?}, {signing:?}");
        assert_eq!(end <= signing, is_cut, "{id}");
    }
}

/// What a verifier reads in a fresh credential.
async fn verified(world: &World, id: &str) -> Verified {
    let credential = credential(world, id).await;
    let unverified = formats::parse(world.issuer.types[id].format.name(), &credential).unwrap();
    let keys = world.issuer.keys();
    unverified.verify(keys.signing.signer.public_key(), world.clock.now()).unwrap()
}

/// RFC 5280 §6.1: a verifier may hold the certificate against the time from which a credential says
/// that it is good. All of a certificate's first day say the same; later ones, that of their day.
#[tokio::test]
async fn nothing_says_to_be_older_than_the_certificate_of_its_key() {
    let world = World::new().await;
    make_next(&world, Start::AtOnce);
    world.clock.advance(FOLLOWED_SECONDS);
    assert!(world.issuer.follow_keys().unwrap());
    let begin = world.issuer.keys().signing.certificate.not_before;
    assert_ne!(begin.0 % DAY, 0, "within a day");
    for (advanced, wanted) in [(0, begin), (DAY, Timestamp(begin.0 - begin.0 % DAY + DAY))] {
        world.clock.advance(advanced);
        for id in [CARD, DIPLOMA] {
            assert_eq!(verified(&world, id).await.issued_at, Some(wanted), "{id}");
        }
    }
}

/// VCI §15.4.1: its end does not say when it was issued, and is never before its time.
#[tokio::test]
async fn a_credential_is_good_for_as_long_as_was_configured() {
    let days = 1;
    let world = World::with(|issuer| {
        for credential_type in issuer.types.values_mut() {
            credential_type.validity_days = days;
        }
    })
    .await;
    let to_midnight = DAY - world.clock.now().0 % DAY;
    for advanced in [to_midnight - 30, 30, 3_600] {
        world.clock.advance(advanced);
        let now = world.clock.now();
        for id in [CARD, DIPLOMA] {
            let end = verified(&world, id).await.expires_at.unwrap();
            let least = now.plus(u64::from(days) * DAY);
            assert!(end >= least && end.0 < least.0 + DAY, "{id}: {end:?} of {now:?}");
            assert_eq!(end.0 % DAY, 0, "{id}: the end of a day");
        }
    }
}

async fn jwks(world: &World) -> Vec<Value> {
    let set = world.public.get("/jwks").await.json();
    let by_issuer = world.public.get("/.well-known/jwt-vc-issuer").await.json();
    assert_eq!(by_issuer["jwks"], set);
    set["keys"].as_array().unwrap().clone()
}

async fn credential(world: &World, id: &str) -> Value {
    let token = world.token(id).await;
    let proof = world.proof(&holder_key()).await;
    let answer = world.credential(&token, id, &[proof]).await.success();
    answer["credentials"][0]["credential"].clone()
}

/// Verifies as somebody who looks the key up where the issuer publishes it.
async fn verify(world: &World, id: &str, credential: &Value) -> String {
    let format = world.issuer.types[id].format.name();
    let unverified = formats::parse(format, credential).unwrap();
    let set = jwks(world).await;
    let mut good = set.iter().filter(|jwk| {
        let key = PublicKey::from_jwk(jwk).unwrap();
        let unverified = formats::parse(format, credential).unwrap();
        unverified.verify(&key, world.clock.now()).is_ok()
    });
    let found = good.next().unwrap_or_else(|| panic!("no published key verifies"));
    let kid = found["kid"].as_str().unwrap().to_owned();
    if let Some(named) = &unverified.key_reference().kid {
        assert_eq!(*named, kid, "a verifier finds it by its name");
    }
    kid
}

/// FMT-SDJWT-09, RFC 9901 §9.8, I10: a key is published before it signs, and as long as a credential
/// of it is valid.
#[tokio::test]
async fn credentials_from_before_and_after_verify() {
    let world = World::new().await;
    let mut early = Vec::new();
    for id in [CARD, DIPLOMA] {
        early.push((id, credential(&world, id).await));
    }
    let first = world.issuer.keys().signing.kid.clone();
    make_next(&world, Start::After(LEAD));
    assert!(world.issuer.follow_keys().unwrap());
    let published = jwks(&world).await;
    assert_eq!(published.len(), 2, "the next one is published");
    assert_eq!(published[0]["kid"], first.as_str());
    assert!(published.iter().all(|jwk| jwk.get("d").is_none()), "without its private part");
    let next = published[1]["kid"].as_str().unwrap().to_owned();
    assert_eq!(verify(&world, CARD, &credential(&world, CARD).await).await, first, "not yet");
    world.clock.advance(LEAD);
    assert!(world.issuer.follow_keys().unwrap());
    for id in [CARD, DIPLOMA] {
        assert_eq!(verify(&world, id, &credential(&world, id).await).await, next);
    }
    world.clock.advance(60);
    let uses = Uses { config: &world.issuer.config, types: &world.issuer.types };
    let erased = retire(KeyPurpose::Signing, &uses, world.clock.now()).unwrap();
    assert!(matches!(erased[..], [Retired::Erased(..)]));
    assert!(world.issuer.follow_keys().unwrap());
    for (id, credential) in &early {
        assert_eq!(verify(&world, id, credential).await, first, "{id} of before");
    }
}

/// VCI §12.2.3: signed metadata are signed with the key in use.
#[tokio::test]
async fn metadata_are_signed_anew() {
    let world = World::new().await;
    let signed = async || {
        let begun = Request::get("/.well-known/openid-credential-issuer");
        let answer = world.public.ask(begun.header("accept", "application/jwt"), "").await;
        UnverifiedMetadata::parse(&answer.text()).unwrap().x5c().to_vec()
    };
    let before = signed().await;
    assert_eq!(before, world.issuer.keys().signing.x5c);
    replaced(&world);
    let after = signed().await;
    assert_ne!(after, before);
    assert_eq!(after, world.issuer.keys().signing.x5c);
}

/// J09: a list is signed with the key in use soon after the change, and says what it said before.
#[tokio::test]
async fn status_lists_follow_the_key() {
    let world = World::new().await;
    let credential = credential(&world, CARD).await;
    let reference = {
        let unverified = formats::parse("dc+sd-jwt", &credential).unwrap();
        let key = world.issuer.keys().published[0].public_key.clone();
        let status = unverified.verify(&key, world.clock.now()).unwrap().status.unwrap();
        let CredentialStatus::StatusList(reference) = status else { panic!("{status:?}") };
        reference
    };
    let read = async || {
        let answer = world.public.get(&reference.uri).await;
        assert_eq!(answer.status, 200);
        let list = parse(TokenFormat::Jwt, &answer.body).unwrap();
        let kid = list.key_reference().kid.clone().unwrap();
        let set = jwks(&world).await;
        let jwk = set.iter().find(|jwk| jwk["kid"] == kid.as_str()).unwrap();
        let key = PublicKey::from_jwk(jwk).unwrap();
        let verified = list.verify(&key, &reference.uri, world.clock.now()).unwrap();
        (kid, verified.status(&reference))
    };
    let (before, status) = read().await;
    replaced(&world);
    let (cached, same) = read().await;
    assert_eq!((cached, same), (before.clone(), status), "what is served still verifies");
    world.issuer.status_lists.bring_up_to_date(&world.issuer).await.unwrap();
    let (after, same) = read().await;
    assert_eq!((&after, same), (&world.issuer.keys().signing.kid, status));
    assert_ne!(after, before);
}

/// What cannot be read changes nothing; once it is complete, it is followed.
#[tokio::test]
async fn a_folder_that_is_half_copied_leaves_the_old_keys_in_use() {
    let world = World::new().await;
    let before = world.issuer.keys();
    make_next(&world, Start::After(LEAD));
    let file = world.issuer.config.keys.join("signing-key.2.pem");
    let key = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    for _ in 0..2 {
        let error = world.issuer.follow_keys().unwrap_err();
        assert_eq!(error.file, file);
        assert!(Arc::ptr_eq(&world.issuer.keys(), &before));
    }
    credential(&world, CARD).await;
    fs::write(&file, key).unwrap();
    let error = world.issuer.follow_keys().unwrap_err();
    assert!(error.problem.contains("other users"), "R03: {error}");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(world.issuer.follow_keys().unwrap());
    assert_eq!(world.issuer.keys().published.len(), 2);
}

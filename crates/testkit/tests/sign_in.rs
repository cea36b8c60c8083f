//! The Authorization Code Flow between our wallet and our issuer: only browser, time and chance are
//! the test's own.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use issuer::Issuer;
use issuer::store::OfferPage;
use keys::outside::Clock as _;
use oid4vci::authorization::ResponseError;
use oid4vci::client::ClientAuthentication;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::sign_in::{Browser, register};
use testkit::world::World;
use url::Url;
use wallet::Wallet;
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::sign_in::SignIn;

/// A port that the wallet found free; the issuer knows the address without it (RFC 8252 §7.3).
const BACK: &str = "http://127.0.0.1:49152/cb";

fn with_bestow(issuer: &mut Issuer) {
    register(issuer, "bestow", ClientAuthentication::None);
}

async fn resolve(world: &World, wallet: &Wallet, grants: &str) -> ResolvedOffer {
    let wish = world.wish("student_card", &json!({ "grants": grants }));
    let made: Value = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    agreed::resolve(wallet, made["uri"].as_str().unwrap()).await.unwrap()
}

async fn begin(world: &World) -> SignIn {
    let offer = resolve(world, &world.wallet, "authorization_code").await;
    assert!(offer.needs_sign_in());
    world.wallet.begin_sign_in(offer, BACK).await.unwrap()
}

fn query(back: &str) -> String {
    assert!(back.starts_with(BACK), "{back}");
    Url::parse(back).unwrap().query().unwrap().to_owned()
}

/// The whole way; with the request pushed, the browser carries a name only (RFC 9126 §4).
#[tokio::test]
async fn the_holder_signs_in_and_keeps_the_credential() {
    let world = World::with(with_bestow).await;
    world.account("ada", &["student_card"]).await;
    let begun = begin(&world).await;
    let names: Vec<String> =
        begun.address().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let back = Browser::of(&world.public).allow(begun.address().as_str(), "ada").await;
    let authorized = world.wallet.finish_sign_in(begun, &query(&back)).await.unwrap();
    // RFC 9449 §5, RFC 9449 §10.1: from the pushed request on, it is one key.
    let page =
        OfferPage { state: None, after: None, limit: 1, now: world.clock.now(), attempts_max: 5 };
    let grant = world.issuer.store.offers(page).await.unwrap().remove(0);
    let bound_to = grant.redemption.unwrap().bound_to;
    let stored = world.issuer.store.authorization(grant.id).await.unwrap().unwrap();
    assert!(bound_to.is_some() && stored.refresh.unwrap().sender == bound_to);
    let jkt = stored.code.unwrap().request.dpop_jkt;
    assert_eq!(jkt, bound_to.map(|key| key.to_string()));
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    let kept = world.wallet.keep(&received.unwrap()).await.unwrap();
    assert_eq!(kept.len(), 1);
}

/// IMPL-08, TOKEN-29, RFC 6749 §6: after the token's death, without another sign-in.
#[tokio::test]
async fn a_token_is_renewed() {
    let world = World::with(with_bestow).await;
    world.account("ada", &["student_card"]).await;
    let begun = begin(&world).await;
    let back = Browser::of(&world.public).allow(begun.address().as_str(), "ada").await;
    let authorized = world.wallet.finish_sign_in(begun, &query(&back)).await.unwrap();
    world.clock.advance(3600);
    let late = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    let error = match late {
        Err(error) => error,
        Ok(received) => received.failures().first().unwrap().error.clone(),
    };
    assert!(matches!(&error, WalletError::Refused(refused) if refused.is("invalid_token")));
    let renewed = world.wallet.renew(&authorized).await.unwrap().unwrap();
    let received = world.wallet.request_credentials(&renewed, &KeyWish::default()).await.unwrap();
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
}

/// The Pre-Authorized Code asks less of the holder, unless the holder wants it otherwise.
#[tokio::test]
async fn the_wallet_chooses_the_grant() {
    let world = World::with(with_bestow).await;
    let offer = resolve(&world, &world.wallet, "both").await;
    assert!(!offer.needs_sign_in());
    world.wallet.request_token(offer, None).await.unwrap();
    let mut wallet = world.wallet.clone();
    wallet.settings.prefers_sign_in = true;
    assert!(resolve(&world, &wallet, "both").await.needs_sign_in());
    assert!(!resolve(&world, &wallet, "pre_authorized_code").await.needs_sign_in());
    let offer = resolve(&world, &world.wallet, "authorization_code").await;
    let failure = world.wallet.request_token(offer, None).await.unwrap_err();
    assert_eq!(failure.error, WalletError::SignInNeeded);
}

/// DEP-04, RFC 9207 §2.4, RFC 6749 §10.12: an answer that was not asked for ends the flow.
#[tokio::test]
async fn an_answer_of_somebody_else_is_not_taken() {
    let world = World::with(with_bestow).await;
    world.account("ada", &["student_card"]).await;
    let begun = begin(&world).await;
    let back = Browser::of(&world.public).allow(begun.address().as_str(), "ada").await;
    let query = query(&back);
    let other_server = query.replace("issuer.example", "evil.example");
    let other_state = query.replace("state=", "state=x");
    let stripped = query.split("&iss=").next().unwrap().to_owned();
    for (query, error) in [
        (other_server, ResponseError::OtherServer),
        (other_state, ResponseError::OtherState),
        (stripped, ResponseError::NoIss),
    ] {
        let refused = world.wallet.finish_sign_in(begun.clone(), &query).await.unwrap_err();
        assert_eq!(refused, WalletError::SignIn(error));
        assert_eq!(refused.class(), Class::NotVerified);
    }
    world.wallet.finish_sign_in(begun, &query).await.unwrap();
}

/// The person says no on the issuer's page.
#[tokio::test]
async fn a_sign_in_can_be_declined() {
    let world = World::with(with_bestow).await;
    let begun = begin(&world).await;
    let mut browser = Browser::of(&world.public);
    let (path, page) = browser.open(begun.address().as_str()).await;
    let answer = browser.send(&path, &page, &[("answer", "deny")]).await;
    let back = answer.header("location").to_owned();
    let error = world.wallet.finish_sign_in(begun, &query(&back)).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (Class::Declined, "access_denied"));
}

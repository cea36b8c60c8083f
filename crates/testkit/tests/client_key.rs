//! Our wallet and our issuer, who has registered a key for it: RFC 7523 and RFC 9101 end to end.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;

use keys::algorithm::Algorithm;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::client::{ClientAuthentication, ClientKey as Registered};
use serde_json::{Value, json};
use testkit::agreed;
use testkit::sign_in::{Browser, register};
use testkit::world::World;
use url::Url;
use wallet::Wallet;
use wallet::client_key::ClientKey;
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::flow::token::Authorized;

const BACK: &str = "http://127.0.0.1:49152/cb";
const CARD: &str = "student_card";

/// An issuer that has registered the key of its wallet, and takes nothing that is not signed with it.
async fn world() -> World {
    let key = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    let registered = Registered { kid: Some("own".into()), key: key.public_key().clone() };
    let mut world = World::with(|issuer| {
        let authentication = ClientAuthentication::PrivateKeyJwt(vec![registered]);
        register(issuer, "bestow", authentication);
        issuer.clients.get_mut("bestow").unwrap().signs_requests = true;
    })
    .await;
    let own = ClientKey::new(Arc::new(key), Some("own".into())).signing_requests();
    world.wallet.settings.client_key = Some(own);
    world.account("ada", &[CARD]).await;
    world
}

async fn authorize(world: &World, wallet: &Wallet) -> Result<Authorized, WalletError> {
    let wish = world.wish(CARD, &json!({ "grants": "authorization_code" }));
    let made: Value = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let offer = agreed::resolve(wallet, made["uri"].as_str().unwrap()).await?;
    let begun = wallet.begin_sign_in(offer, BACK).await?;
    let back = Browser::of(&world.public).allow(begun.address().as_str(), "ada").await;
    let query = Url::parse(&back).unwrap().query().unwrap().to_owned();
    wallet.finish_sign_in(begun, &query).await
}

/// RFC 9126 §3, RFC 6749 §4.1.3, RFC 6749 §6: pushed, redeemed and renewed by who has the key.
#[tokio::test]
async fn a_wallet_with_a_key_signs_in_and_renews() {
    let world = world().await;
    let authorized = authorize(&world, &world.wallet).await.unwrap();
    world.clock.advance(3600);
    let renewed = world.wallet.renew(&authorized).await.unwrap().unwrap();
    let received = world.wallet.request_credentials(&renewed, &KeyWish::default()).await.unwrap();
    assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
}

/// RFC 7523 §3: who has not the key is not that wallet.
#[tokio::test]
async fn without_its_key_the_wallet_is_nobody() {
    let world = world().await;
    let mut wallet = world.wallet.clone();
    wallet.settings.client_key = None;
    let error = authorize(&world, &wallet).await.unwrap_err();
    assert!(matches!(&error, WalletError::Refused(no) if no.is("invalid_client")), "{error:?}");
    let other = Arc::new(SoftwareKey::generate(Algorithm::EdDsa).unwrap());
    wallet.settings.client_key = Some(ClientKey::new(other, None));
    let error = authorize(&world, &wallet).await.unwrap_err();
    assert!(matches!(&error, WalletError::Refused(no) if no.is("invalid_client")), "{error:?}");
}

//! First-Party Apps §5 between our wallet and our issuer: the holder signs in without a browser.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;

use issuer::Issuer;
use keys::outside::Clock as _;
use oid4vci::client::ClientAuthentication;
use oid4vci::secret::GivenPassword;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::provider::TestProvider;
use testkit::sender::{CLIENT, Instance};
use testkit::sign_in::{Browser, PASSWORD, register};
use testkit::world::World;
use wallet::Wallet;
use wallet::attestation::WalletAttestation;
use wallet::flow::challenge::Challenged;
use wallet::flow::key::KeyWish;

const BACK: &str = "http://127.0.0.1:49152/cb";

/// An issuer that has a wallet of its own, and an instance of that wallet.
async fn world(change: impl FnOnce(&mut Issuer)) -> (World, Wallet) {
    let instance = Instance::default();
    let world = World::with(|issuer| {
        issuer.client_attesters = Some(instance.attesters());
        register(issuer, CLIENT, ClientAuthentication::None);
        issuer.clients.get_mut(CLIENT).unwrap().is_first_party = true;
        change(issuer);
    })
    .await;
    world.account("ada", &["student_card"]).await;
    let jwt = instance.attestation(world.clock.now().0).sign(&instance.provider).await;
    let attested = WalletAttestation::new(jwt, Arc::new(instance.key)).unwrap();
    let mut wallet = world.wallet.clone();
    wallet.settings.attestation_source = Some(Arc::new(attested));
    (world, wallet)
}

async fn begin(world: &World, wallet: &Wallet) -> Challenged {
    let wish = world.wish("student_card", &json!({ "grants": "authorization_code" }));
    let made: Value = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    let offer = agreed::resolve(wallet, made["uri"].as_str().unwrap()).await.unwrap();
    wallet.begin_challenge(offer, BACK).await.unwrap()
}

#[tokio::test]
async fn the_holder_signs_in_without_a_browser() {
    let (world, wallet) = world(|_| {}).await;
    let Challenged::Asks(challenge) = begin(&world, &wallet).await else { panic!() };
    let slip = GivenPassword::new("slip");
    let again = wallet.answer_challenge(*challenge, "ada", &slip).await.unwrap();
    let Challenged::Asks(challenge) = again else { panic!("{again:?}") };
    let password = GivenPassword::new(PASSWORD);
    let done = wallet.answer_challenge(*challenge, "ada", &password).await.unwrap();
    let Challenged::Authorized(authorized) = done else { panic!("{done:?}") };
    let received = wallet.request_credentials(&authorized, &KeyWish::default()).await.unwrap();
    assert_eq!(wallet.keep(&received).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_holder_is_sent_to_the_browser_where_only_that_will_do() {
    let provider = TestProvider::start().await;
    let (world, wallet) = world(|issuer| {
        provider.trusted_by(issuer, |_| {});
        issuer.config.sign_in.accounts = false;
    })
    .await;
    let Challenged::Browser(sign_in) = begin(&world, &wallet).await else { panic!() };
    let (_, page) = Browser::of(&world.public).open(sign_in.address().as_str()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Riverside Login"), "{}", page.text());
}

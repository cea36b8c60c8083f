//! Keys are replaced while wallets are half-way: what was made before still works after, on every
//! node (catalogue I10). Of the key that signs: `signer.rs`.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use issuer::Issuer;
use issuer::credential_type::{Approval, TxCodeChannel};
use issuer::flow::application::{Stage, apply, approve, renew, view};
use issuer::generations::{
    KeyPurpose, Retired, Rotation, SigningKeyWish, Start, Uses, retire, rotate,
};
use issuer::http::public;
use keys::jwe::{self, ContentEncryption, EncryptionKey};
use keys::outside::{Clock as _, SystemRandom};
use serde_json::{Map, Value, json};
use testkit::by_hand::{Offered, request};
use testkit::proof::holder_key;
use testkit::wire::Wire;
use testkit::world::World;

const CARD: &str = "student_card";
const TICKET: &str = "course_ticket";
const LEAD: u64 = 3_600;

fn make_next(world: &World, purpose: KeyPurpose) {
    let rotation = Rotation {
        config: &world.issuer.config,
        now: world.clock.now(),
        random: &SystemRandom,
        start: Start::After(LEAD),
        certificate: None,
        wish: &SigningKeyWish::Same,
    };
    rotate(purpose, &rotation).unwrap();
}

/// Every key is replaced, and both nodes have noticed.
fn all_replaced(world: &World, nodes: &[&Issuer]) {
    for purpose in KeyPurpose::OF_EVERY_ISSUER {
        make_next(world, purpose);
    }
    for node in nodes {
        assert!(node.follow_keys().unwrap(), "there is another manifest");
        assert!(!node.follow_keys().unwrap());
    }
    world.clock.advance(LEAD);
    for node in nodes {
        assert!(node.follow_keys().unwrap(), "their time has come");
        assert!(!node.follow_keys().unwrap());
    }
}

/// A world whose offers outlive a rotation with its lead.
async fn world() -> World {
    World::with(|issuer| {
        issuer.config.offer.expires_in_max = 30 * 24 * 3_600;
        issuer.config.offer.expires_in = 24 * 3_600;
        issuer.config.token.expires_in = 4 * 3_600;
        for one in issuer.types.values_mut() {
            one.offer_seconds = None;
        }
    })
    .await
}

async fn offer(world: &World, id: &str, more: Value) -> Offered {
    let mut wish = json!({ "without_tx_code": true });
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.offer(id, &wish).await
}

async fn fetched_code(wire: &Wire, offered: &Offered) -> Option<String> {
    let (_, address) = offered.uri.split_once("credential_offer_uri=").unwrap();
    let address: String = url_decoded(address);
    let answer = wire.get(&address).await;
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let code = || answer.json()["grants"][grant]["pre-authorized_code"].as_str().map(str::to_owned);
    (answer.status == 200).then(code).flatten()
}

fn url_decoded(text: &str) -> String {
    let pair = format!("x={text}");
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().unwrap().1.into_owned()
}

async fn token(wire: &Wire, code: &str, tx_code: Option<&str>) -> (u16, Value) {
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let mut form = vec![("grant_type", grant), ("pre-authorized_code", code)];
    form.extend(tx_code.map(|tx_code| ("tx_code", tx_code)));
    let answer = wire.post_form("/token", &form).await;
    (answer.status, answer.json())
}

/// OFFER-16, TOKEN-31: offers by reference, their codes and transaction codes outlive the keys that
/// made them; on the node that made them and on another.
#[tokio::test]
async fn an_offer_from_before_is_redeemed_after() {
    let world = world().await;
    let other = world.another_issuer(7).await;
    let wire = Wire::new(public(Arc::clone(&other)));
    let mut offers = Vec::new();
    for node in 0..2 {
        for tx_code in [false, true] {
            let id = if tx_code { CARD } else { TICKET };
            offers.push((node, offer(&world, id, json!({ "tx_code": tx_code })).await));
        }
    }
    all_replaced(&world, &[&world.issuer, &other]);
    for (node, offered) in offers {
        let wire = if node == 0 { &world.public } else { &wire };
        let code = fetched_code(wire, &offered).await;
        assert_eq!(code.as_ref(), Some(&offered.code), "the same code as before");
        let tx_code = offered.tx_code.as_deref();
        if tx_code.is_some() {
            let (status, refused) = token(wire, &offered.code, Some("000000")).await;
            assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
        }
        let (status, answer) = token(wire, &offered.code, tx_code).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// An `Idempotency-Key` gets the same answer, although the keys are others.
#[tokio::test]
async fn a_repeated_wish_gets_the_same_offer() {
    let world = world().await;
    let ask = async || {
        let key = format!("Bearer {}", world.issuer.keys().admin.expose());
        let wish = world.wish(CARD, &json!({ "tx_code": true }));
        let begun = Request::post("/admin/v1/offers").header(AUTHORIZATION, key);
        let begun = begun.header("idempotency-key", "order 1");
        world.admin.ask(begun.header(CONTENT_TYPE, "application/json"), wish.to_string()).await
    };
    let first = ask().await.json();
    all_replaced(&world, &[&world.issuer]);
    let again = ask().await.json();
    for member in ["id", "uri", "tx_code"] {
        assert!(first[member].is_string(), "{first}");
        assert_eq!(first[member], again[member], "{member}");
    }
}

/// OFFER-24: who has a Transaction Code on paper uses it with the QR code of after.
#[tokio::test]
async fn an_application_keeps_its_transaction_code() {
    let world = World::with(|issuer| {
        let card = issuer.types.get_mut(CARD).unwrap();
        card.approval = Approval::Officer;
        card.tx_code = true;
        card.tx_code_channel = TxCodeChannel::Caller;
    })
    .await;
    let issuer = &world.issuer;
    let card = &issuer.types[CARD];
    let secret = apply(issuer, card, card.sample()).await.unwrap();
    let shown = view(issuer, secret.expose()).await.unwrap().unwrap();
    let tx_code = approve(issuer, shown.application.id).await.unwrap().tx_code.unwrap();
    let uri = async || {
        let shown = view(issuer, secret.expose()).await.unwrap().unwrap();
        let Stage::Offer(offer) = shown.stage else { panic!("{shown:?}") };
        offer.uri
    };
    let before = uri().await;
    all_replaced(&world, &[issuer]);
    assert_eq!(uri().await, before, "the page shows the same picture");
    world.clock.advance(31 * 24 * 3_600);
    assert!(renew(issuer, secret.expose()).await.unwrap());
    let fresh = uri().await;
    assert_ne!(fresh, before);
    let offered = Offered { id: String::new(), uri: fresh, tx_code: None, code: String::new() };
    let code = fetched_code(&world.public, &offered).await.unwrap();
    let (status, answer) = token(&world.public, &code, Some(tx_code.expose())).await;
    assert_eq!(status, 200, "{answer}");
}

/// NONCE-01, PROOF-33: a nonce and a token from before are good after, and on the other node.
#[tokio::test]
async fn a_nonce_and_a_token_from_before_are_good_after() {
    let world = world().await;
    let other = world.another_issuer(7).await;
    let wire = Wire::new(public(Arc::clone(&other)));
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let code = offer(&world, CARD, json!({})).await.code;
        let (_, answer) = token(&world.public, &code, None).await;
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    make_next(&world, KeyPurpose::Nonce);
    assert!(world.issuer.follow_keys().unwrap());
    assert!(other.follow_keys().unwrap());
    world.clock.advance(LEAD - 1);
    let nonces = [world.nonce().await, world.nonce().await];
    world.clock.advance(1);
    assert!(world.issuer.follow_keys().unwrap(), "one node is ahead");
    for ((wire, token), nonce) in [&world.public, &wire].into_iter().zip(&tokens).zip(&nonces) {
        let key = holder_key();
        let proof = world.draft(&key, nonce).sign(&key).await;
        let begun = Request::post("/credential").header(CONTENT_TYPE, "application/json");
        let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
        wire.ask(begun, request(CARD, &[proof]).to_string()).await.success();
    }
    // A nonce of the node that is ahead, at the one that is behind.
    let (key, nonce) = (holder_key(), world.nonce().await);
    let proof = world.draft(&key, &nonce).sign(&key).await;
    let begun = Request::post("/credential").header(CONTENT_TYPE, "application/json");
    let begun = begun.header(AUTHORIZATION, format!("Bearer {}", tokens[0]));
    wire.ask(begun, request(CARD, &[proof]).to_string()).await.success();
}

/// A nonce of a key that was destroyed is foreign: whoever stole that key makes none.
#[tokio::test]
async fn a_nonce_of_a_destroyed_key_is_refused() {
    let world = world().await;
    let code = offer(&world, CARD, json!({})).await.code;
    let (_, answer) = token(&world.public, &code, None).await;
    let token = answer["access_token"].as_str().unwrap();
    let stolen = world.issuer.keys().nonce.clone();
    all_replaced(&world, &[&world.issuer]);
    let forge = async || {
        let issuer = world.issuer.credential_issuer();
        let now = world.clock.now();
        let nonce = oid4vci::nonce::NonceResponse::fresh(issuer, &stolen, now, &SystemRandom);
        let key = holder_key();
        let proof = world.draft(&key, &nonce.c_nonce).sign(&key).await;
        world.credential(token, CARD, &[proof]).await
    };
    world.clock.advance(900);
    let uses = Uses { config: &world.issuer.config, types: &world.issuer.types };
    let ended = retire(KeyPurpose::Nonce, &uses, world.clock.now()).unwrap();
    assert_eq!(ended, [Retired::Destroyed(KeyPurpose::Nonce, 1)]);
    assert!(world.issuer.follow_keys().unwrap());
    assert!(forge().await.is(400, "invalid_nonce"));
}

async fn encryption_key(world: &World) -> EncryptionKey {
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    let keys = metadata["credential_request_encryption"]["jwks"]["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1, "ENC-10: the one to use");
    EncryptionKey::from_jwk(&keys[0]).unwrap()
}

/// H06, ENC-02, ENC-03: a request for the key of cached metadata opens; one for a key that another
/// node publishes already opens, too.
#[tokio::test]
async fn an_encrypted_request_to_any_published_key_is_opened() {
    let world = world().await;
    let other = world.another_issuer(7).await;
    let wire = Wire::new(public(Arc::clone(&other)));
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let code = offer(&world, TICKET, json!({})).await.code;
        let (_, answer) = token(&world.public, &code, None).await;
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    let send = async |wire: &Wire, key: &EncryptionKey, token: &str| {
        let body = json!({ "credential_configuration_id": TICKET }).to_string();
        let enc = ContentEncryption::A256Gcm;
        let body = jwe::encrypt(Map::new(), body.as_bytes(), key, enc, None).unwrap();
        let begun = Request::post("/credential").header(CONTENT_TYPE, "application/jwt");
        wire.ask(begun.header(AUTHORIZATION, format!("Bearer {token}")), body).await
    };
    let before = encryption_key(&world).await;
    make_next(&world, KeyPurpose::Encryption);
    assert!(world.issuer.follow_keys().unwrap() && other.follow_keys().unwrap());
    let still = encryption_key(&world).await;
    assert_eq!(still.kid(), before.kid(), "not announced before every node can open it");
    world.clock.advance(LEAD);
    assert!(world.issuer.follow_keys().unwrap());
    let after = encryption_key(&world).await;
    assert_ne!(after.kid(), before.kid(), "metadata are made anew");
    send(&world.public, &before, &tokens[0]).await.success();
    send(&wire, &after, &tokens[1]).await.success(); // that node is behind
    world.clock.advance(25 * 3_600);
    let uses = Uses { config: &world.issuer.config, types: &world.issuer.types };
    let ended = retire(KeyPurpose::Encryption, &uses, world.clock.now()).unwrap();
    assert_eq!(ended, [Retired::Destroyed(KeyPurpose::Encryption, 1)]);
    assert!(world.issuer.follow_keys().unwrap());
    assert_eq!(encryption_key(&world).await.kid(), after.kid());
}

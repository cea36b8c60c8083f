//! Steps 13-18 under a cover, over the router: what is announced is taken, demanded and answered
//! (VCI §10), with the Wallet's half of the rules on the other side.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::slice;

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use issuer::Issuer;
use issuer::config::Config;
use issuer::generations::{KeyPurpose, Rotation, SigningKeyWish, Start, make_missing_keys, rotate};
use issuer::init::load_keys;
use keys::jwe::{
    self, Compression, ContentEncryption, Curve, DecryptionKey, EncryptionKey, KeyManagement,
};
use keys::outside::{Clock as _, SystemClock, SystemRandom};
use oid4vci::credential::REQUEST_BYTES_MAX;
use oid4vci::encryption::Encryption::{self, Off, Offered, Required};
use oid4vci::encryption::{EncryptionPolicy, ReceivedBody, ReceivedEncryption};
use serde_json::{Map, Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::wire::{Answer, JSON};
use testkit::world::World;

const TICKET: &str = "course_ticket";
const JWT: &str = "application/jwt";

fn set(issuer: &mut Issuer, request: Encryption, response: Encryption) {
    issuer.config.encryption.request = request;
    issuer.config.encryption.response = response;
    issuer.config.encryption.zip_values_supported.0 = vec![Compression::Deflate];
    issuer.encryption = issuer.config.encryption.policy().unwrap();
}

async fn world(request: Encryption, response: Encryption) -> World {
    World::with(|issuer| set(issuer, request, response)).await
}

async fn metadata(world: &World) -> Value {
    world.public.get("/.well-known/openid-credential-issuer").await.json()
}

/// The key that metadata name.
async fn published(world: &World) -> EncryptionKey {
    let metadata = metadata(world).await;
    EncryptionKey::from_jwk(&metadata["credential_request_encryption"]["jwks"]["keys"][0]).unwrap()
}

async fn send(world: &World, token: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let begun = Request::post("/credential").header(CONTENT_TYPE, media_type);
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    world.public.ask(begun, body.into()).await
}

fn sealed(text: &str, key: &EncryptionKey, zip: Option<Compression>) -> String {
    jwe::encrypt(Map::new(), text.as_bytes(), key, ContentEncryption::A256Gcm, zip).unwrap()
}

fn ticket() -> Value {
    json!({ "credential_configuration_id": TICKET })
}

/// A request for a ticket whose answer is to be encrypted for this key.
fn asking(key: &DecryptionKey) -> Value {
    let jwk = key.encryption_key().to_jwk();
    let asked = json!({ "jwk": jwk, "enc": "A128GCM" });
    json!({ "credential_configuration_id": TICKET, "credential_response_encryption": asked })
}

fn wallets_key() -> DecryptionKey {
    DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap()
}

/// META-19, META-20, ENC-10, ENC-11: by default offered and not demanded.
#[tokio::test]
async fn what_is_configured_is_announced() {
    let offered = metadata(&World::new().await).await;
    let request = &offered["credential_request_encryption"];
    assert_eq!(request["encryption_required"], false);
    assert_eq!(request["enc_values_supported"], json!(["A256GCM", "A128GCM"]));
    assert!(request.get("zip_values_supported").is_none());
    let [key] = &request["jwks"]["keys"].as_array().unwrap()[..] else { panic!("{request}") };
    assert_eq!(
        (&key["alg"], &key["crv"], &key["use"]),
        (&json!("ECDH-ES"), &json!("P-256"), &json!("enc"))
    );
    assert!(key["kid"].is_string() && key.get("d").is_none());
    let response = &offered["credential_response_encryption"];
    assert_eq!(response["encryption_required"], false);
    assert_eq!(response["alg_values_supported"][0], "ECDH-ES");
    let required = metadata(&world(Offered, Required).await).await;
    assert_eq!(required["credential_request_encryption"]["encryption_required"], true, "CRED-17");
    let off = metadata(&world(Off, Off).await).await;
    assert!(off.get("credential_request_encryption").is_none());
    assert!(off.get("credential_response_encryption").is_none());
}

/// CRED-18, CRED-33, ENC-03, ENC-07: there and back, with every method; for a credential with a key.
#[tokio::test]
async fn a_request_and_its_answer_are_encrypted() {
    for zip in [false, true] {
        let world = world(Required, Required).await;
        let token = world.token("student_card").await;
        let key = holder_key();
        let parameters = request("student_card", &[world.proof(&key).await]);
        let metadata = ReceivedEncryption::parse(&metadata(&world).await);
        let chosen = metadata.choose(zip).unwrap();
        let exchange = chosen.begin(|alg| DecryptionKey::generate(Curve::P384, alg)).unwrap();
        let body = exchange.seal(parameters).unwrap();
        assert_eq!(body.media_type, JWT);
        let answer = send(&world, &token, body.media_type, body.bytes).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, JWT), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let opened = exchange.open(ReceivedBody::Jwt(&answer.body)).unwrap();
        let response: Value = serde_json::from_slice(&opened).unwrap();
        assert!(response["credentials"][0]["credential"].is_string());
        let header = jwe::Jwe::parse(&answer.text(), usize::MAX).unwrap();
        assert_eq!(header.compression().is_some(), zip, "CRED-13");
    }
}

/// CRED-14: an encrypted request that does not ask for more is answered in the clear.
#[tokio::test]
async fn an_answer_is_encrypted_only_when_that_is_asked_for() {
    let world = world(Offered, Offered).await;
    let (token, key) = (world.token(TICKET).await, published(&world).await);
    let answer = send(&world, &token, JWT, sealed(&ticket().to_string(), &key, None)).await;
    answer.success();
    send(&world, &token, JSON, ticket().to_string()).await.success();
}

/// CRED-17, CRED-60, ENC-09, H02: and an error is in the clear, whatever was asked for (CRED-64).
#[tokio::test]
async fn what_is_missing_is_refused_in_the_clear() {
    let rows = [
        ("the request, ENC-09", Required, Off, false, false),
        ("the request, CRED-16", Required, Offered, false, false),
        ("the key for the answer, CRED-15", Offered, Required, true, false),
        ("the key in the clear, CRED-17", Offered, Offered, false, true),
        ("nobody asked for it", Offered, Off, true, true),
    ];
    for (row, requests, responses, is_sealed, asks) in rows {
        let world = world(requests, responses).await;
        let token = world.token(TICKET).await;
        let body = if asks { asking(&wallets_key()) } else { ticket() }.to_string();
        let answer = if is_sealed {
            let body = sealed(&body, &published(&world).await, None);
            send(&world, &token, JWT, body).await
        } else {
            send(&world, &token, JSON, body).await
        };
        assert!(answer.is(400, "invalid_encryption_parameters"), "{row}: {answer:?}");
    }
    let world = world(Required, Required).await;
    let wanted = json!({ "credential_configuration_id": "nobody" });
    let mut body = asking(&wallets_key());
    body["credential_configuration_id"] = wanted["credential_configuration_id"].clone();
    let body = sealed(&body.to_string(), &published(&world).await, None);
    let answer = send(&world, &world.token(TICKET).await, JWT, body).await;
    assert!(answer.is(400, "unknown_credential_configuration"), "CRED-64: {answer:?}");
}

/// H01, H05, H06, ENC-13: what is not for us, or too much, or spoilt, costs nothing but an answer.
#[tokio::test]
async fn hostile_requests_are_refused_and_spend_nothing() {
    let world = world(Offered, Offered).await;
    let (token, key) = (world.token(TICKET).await, published(&world).await);
    let good = sealed(&ticket().to_string(), &key, None);
    let bomb = format!("{{\"x\":\"{}\"}}", "0".repeat(REQUEST_BYTES_MAX + 1));
    let bomb = sealed(&bomb, &key, Some(Compression::Deflate));
    assert!(bomb.len() < 4096, "H01: small outside, large inside");
    let stranger = wallets_key();
    let mut spoilt = good.clone();
    spoilt.replace_range(good.len() - 4.., "AAAA");
    let unknown_alg = {
        let mut body = asking(&wallets_key());
        body["credential_response_encryption"]["jwk"]["alg"] = json!("UNSUPPORTED_ALG"); // AMB-23
        sealed(&body.to_string(), &key, None)
    };
    let malformed = "invalid_credential_request";
    let parameters = "invalid_encryption_parameters";
    let rows = [
        ("H01: a bomb", bomb, malformed),
        (
            "H06: another key",
            sealed(&ticket().to_string(), stranger.encryption_key(), None),
            parameters,
        ),
        ("spoilt", spoilt, parameters),
        ("cut", good[..good.len() / 2].to_owned(), parameters),
        ("JSON that says it is a JWT", ticket().to_string(), parameters),
        ("no object inside", sealed("[]", &key, None), malformed),
        ("AMB-23", unknown_alg, parameters),
    ];
    for (row, body, error) in rows {
        let answer = send(&world, &token, JWT, body).await;
        assert!(answer.is(400, error), "{row}: {answer:?}");
    }
    send(&world, &token, JWT, good).await.success();
}

/// Q04: nothing is decrypted for somebody without a token.
#[tokio::test]
async fn the_token_comes_before_the_request() {
    let world = world(Offered, Offered).await;
    let answer = send(&world, "nobody's", JWT, "not even a JWE").await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
}

/// CRED-18: what is not announced is not taken.
#[tokio::test]
async fn an_issuer_without_encryption_takes_none() {
    let world = world(Off, Off).await;
    let body = sealed(&ticket().to_string(), wallets_key().encryption_key(), None);
    let answer = send(&world, &world.token(TICKET).await, JWT, body).await;
    assert!(answer.is(400, "invalid_credential_request"), "{answer:?}");
}

/// H06: metadata with the old key may be in a cache, so that key is good until it is removed.
#[tokio::test]
async fn a_key_is_replaced_without_a_gap() {
    let world = World::new().await;
    let old = published(&world).await;
    let file = world.issuer.config.keys.join("encryption-keys.pem");
    let pem = wallets_key().to_pem().to_string() + &fs::read_to_string(&file).unwrap();
    fs::write(&file, pem).unwrap();
    let mut config = world.issuer.config.clone();
    config.encryption.request = Offered;
    let keys = load_keys(&config, SystemClock.now()).unwrap();
    assert_eq!(keys.encryption.len(), 2);
    assert_ne!(Some(keys.encryption[0].kid()), old.kid(), "the new one is announced");
    let token = world.token(TICKET).await;
    let node = world.another_node(2).await;
    let body = sealed(&ticket().to_string(), &old, None);
    let begun = Request::post("/credential").header(CONTENT_TYPE, JWT);
    let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
    node.ask(begun, body).await.success();
}

/// An issuer of an older version gets its key by the command that an operator runs anyway.
#[tokio::test]
async fn a_missing_key_is_made_once_and_for_its_owner_alone() {
    let world = World::new().await;
    let config: &Config = &world.issuer.config;
    let file = config.keys.join("encryption-keys.pem");
    let made = |config| make_missing_keys(config, &SystemRandom).unwrap();
    assert!(made(config).is_empty(), "what is there stays");
    fs::remove_file(&file).unwrap();
    let error = load_keys(config, SystemClock.now()).unwrap_err().to_string();
    assert!(error.contains("bestow issuer migrate"), "{error}");
    assert_eq!(made(config), slice::from_ref(&file));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(load_keys(config, SystemClock.now()).unwrap().encryption.len(), 1);
    fs::remove_file(&file).unwrap();
    let rotation = Rotation {
        config,
        now: SystemClock.now(),
        random: &SystemRandom,
        start: Start::After(3600),
        certificate: None,
        wish: &SigningKeyWish::Same,
    };
    rotate(KeyPurpose::Encryption, &rotation).unwrap();
    assert_eq!(made(config), slice::from_ref(&file), "the one in use");
    assert_eq!(load_keys(config, SystemClock.now()).unwrap().encryption.len(), 2);
    assert!(!config.keys.join("encryption-keys.pem.new").exists());
    fs::remove_file(&file).unwrap();
    let mut off = config.clone();
    (off.encryption.request, off.encryption.response) = (Off, Off);
    assert!(load_keys(&off, SystemClock.now()).unwrap().encryption.is_empty(), "nobody needs it");
    assert!(made(&off).is_empty());
    fs::write(&file, "nonsense").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(load_keys(config, SystemClock.now()).unwrap_err().to_string().contains("PKCS #8"));
}

/// What is to be encrypted needs a method.
#[test]
fn a_policy_without_methods_is_none() {
    let mut config = Config::default();
    config.encryption.enc_values_supported.0.clear();
    assert!(config.encryption.policy().is_none());
    (config.encryption.request, config.encryption.response) = (Off, Off);
    let policy: EncryptionPolicy = config.encryption.policy().unwrap();
    assert_eq!((policy.request(), policy.response()), (Off, Off));
}

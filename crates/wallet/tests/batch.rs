//! Several copies of one credential: asked for where an issuer gives them, matched by their keys.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use keys::did;
use keys::jws::Jws;
use keys::public_key::PublicKey;
use oid4vci::proof::BindingMethod;
use serde_json::{Map, Value, json};
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::store::StoredCredential;
use wallet::trust::VerificationError;
use world::{Answer, ISSUER_METADATA, Sent, SigningKey, World, endpoint, issuer_metadata};

/// `cnf` and nonce of each proof.
fn asked(sent: &Sent) -> Vec<(Value, Value)> {
    let body = sent.json();
    let proofs = body["proofs"]["jwt"].as_array().unwrap().clone();
    let read = |proof: &Value| {
        let jwt = Jws::parse(proof.as_str().unwrap(), 16 * 1024).unwrap();
        let header: &Map<String, Value> = jwt.header();
        let (key, cnf) = match header.get("kid") {
            Some(kid) => (did::resolve(kid.as_str().unwrap()).unwrap(), json!({ "kid": kid })),
            None => (PublicKey::from_jwk(&header["jwk"]).unwrap(), json!({ "jwk": header["jwk"] })),
        };
        jwt.verify(&key).unwrap();
        (cnf, jwt.claims().unwrap()["nonce"].clone())
    };
    proofs.iter().map(read).collect()
}

/// An issuer that gives at most `size`; `make` turns the keys into credentials.
fn world(
    size: u64,
    make: impl Fn(&SigningKey, &[Value]) -> Vec<Value> + Send + Sync + 'static,
) -> World {
    let world = World::new();
    let mut metadata = issuer_metadata();
    metadata["batch_credential_issuance"] = json!({ "batch_size": size });
    world.network.says(ISSUER_METADATA, 200, metadata);
    let signing = Arc::clone(&world.issuer);
    world.network.on(&endpoint("credential"), move |sent| {
        let keys: Vec<Value> = asked(sent).into_iter().map(|(cnf, _)| cnf).collect();
        let issued = make(&signing, &keys).into_iter();
        let credentials: Vec<Value> = issued.map(|one| json!({ "credential": one })).collect();
        Answer::Json(200, json!({ "credentials": credentials }))
    });
    world
}

fn card(issuer: &SigningKey, cnf: &Value) -> Value {
    issuer.student_card(cnf, |_, _| {})
}

fn wish(copies: usize) -> KeyWish {
    KeyWish { copies, ..KeyWish::default() }
}

async fn keep(world: &World, wish: &KeyWish) -> Result<Vec<StoredCredential>, WalletError> {
    let received = world.receive("student_card", wish).await?;
    world.wallet.keep(&received).await
}

/// AMB-03, CRED-43, HAIP-08: one request, one nonce, any order; one card with all of them.
#[tokio::test]
async fn a_batch_becomes_one_card() {
    for binding in [BindingMethod::Jwk, BindingMethod::DidKey] {
        let world =
            world(5, |issuer, keys| keys.iter().rev().map(|cnf| card(issuer, cnf)).collect());
        let kept = keep(&world, &KeyWish { binding: Some(binding), ..wish(3) }).await.unwrap();
        let [one] = &kept[..] else { panic!("{kept:?}") };
        assert_eq!(one.copies.len(), 2);
        let kids: BTreeSet<_> = one.holder_keys().map(|key| key.kid.clone()).collect();
        assert_eq!(kids.len(), 3, "each copy has a key of its own");
        assert_eq!(world.stored().len(), 1);
        assert_eq!(world.stored_keys(), 3);
        let keys = world.store.keys.lock().unwrap();
        assert!(keys.values().all(|key| !key.awaits_credential && kids.contains(&key.id)));
        let requests = world.network.sent_to(&endpoint("credential"));
        assert_eq!(requests.len(), 1);
        let nonces: BTreeSet<String> =
            asked(&requests[0]).iter().map(|(_, nonce)| nonce.to_string()).collect();
        assert_eq!(nonces.len(), 1);
    }
}

/// CRED-11: never more than the issuer announced; GEN-05: it may give fewer, and idle keys go.
#[tokio::test]
async fn the_issuer_says_how_many() {
    let all = |issuer: &SigningKey, keys: &[Value]| {
        keys.iter().map(|cnf| card(issuer, cnf)).collect::<Vec<_>>()
    };
    for (announced, wanted, expected) in [(2, 5, 2), (5, 3, 3), (5, 0, 1), (5, 1, 1), (0, 4, 1)] {
        let world = world(announced, all);
        let kept = keep(&world, &wish(wanted)).await.unwrap();
        assert_eq!(kept[0].copies.len() + 1, expected, "{announced} {wanted}");
        assert_eq!(world.stored_keys(), expected);
    }
    let fewer = world(5, move |issuer, keys| all(issuer, &keys[1..]));
    let kept = keep(&fewer, &wish(4)).await.unwrap();
    assert_eq!((kept[0].copies.len(), fewer.stored_keys()), (2, 3), "CRED-37");
}

/// A key that the holder chose is bound once.
#[tokio::test]
async fn a_chosen_key_has_one_copy() {
    let world = world(5, |issuer, keys| keys.iter().map(|cnf| card(issuer, cnf)).collect());
    let key = world.wallet.make_key(keys::algorithm::Algorithm::Es256, BindingMethod::Jwk).await;
    let wish = KeyWish { key: Some(key.unwrap().id), ..wish(3) };
    assert!(keep(&world, &wish).await.unwrap()[0].copies.is_empty());
}

/// CRED-36, I16, I20, NOTIF-09: what does not fit costs the whole batch, and no key stays.
#[tokio::test]
async fn a_batch_with_one_bad_credential_is_refused() {
    type Make = fn(&SigningKey, &[Value]) -> Vec<Value>;
    let rows: [(&str, Make, VerificationError); 4] = [
        (
            "one key twice",
            |issuer, keys| [0, 0, 1].map(|at| card(issuer, &keys[at])).to_vec(),
            VerificationError::Surplus,
        ),
        (
            "one more than asked for",
            |issuer, keys| [0, 1, 2, 2].map(|at| card(issuer, &keys[at])).to_vec(),
            VerificationError::Surplus,
        ),
        (
            "one without a key",
            |issuer, keys| {
                let unbound = issuer.student_card(&keys[0], |_, claims| {
                    claims.as_object_mut().unwrap().remove("cnf");
                });
                vec![card(issuer, &keys[0]), unbound]
            },
            VerificationError::NotBound,
        ),
        (
            "one that is out of date",
            |issuer, keys| {
                let old = issuer.student_card(&keys[1], |_, claims| claims["exp"] = json!(1));
                vec![card(issuer, &keys[0]), old]
            },
            VerificationError::Expired,
        ),
    ];
    for (row, make, error) in rows {
        let world = world(5, make);
        assert_eq!(keep(&world, &wish(3)).await.unwrap_err(), error.into(), "{row}");
        assert_eq!((world.stored().len(), world.stored_keys()), (0, 0), "{row}");
    }
}

/// What says something else is no copy, and is not lost either.
#[tokio::test]
async fn credentials_that_differ_are_cards_of_their_own() {
    let world = world(5, |issuer, keys| {
        let other =
            issuer.student_card(&keys[1], |_, claims| claims["given_name"] = json!("Grace"));
        vec![card(issuer, &keys[0]), other, card(issuer, &keys[2])]
    });
    let kept = keep(&world, &wish(3)).await.unwrap();
    let copies: Vec<usize> = kept.iter().map(|one| one.copies.len()).collect();
    assert_eq!(copies, [1, 0]);
}

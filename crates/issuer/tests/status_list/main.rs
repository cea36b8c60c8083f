//! Status lists over the routers: entries of credentials, the lists that are served, and what
//! operators change.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use axum::http::Request;
use formats::status_list::token::{TokenFormat, VerifiedStatusList, parse};
use formats::status_list::{CredentialStatus, Status, StatusReference};
use formats::verified::Verified;
use keys::outside::Clock as _;
use keys::x509::Certificate;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::wire::{Answer, Wire};
use testkit::world::World;

mod change;
mod entries;
mod restored;
mod served;

const CARD: &str = "student_card";
const DIPLOMA: &str = "diploma";
const TICKET: &str = "course_ticket";

/// Asks for a credential for each of so many keys, in one request; for none without a key.
async fn issue(world: &World, token: &str, id: &str, count: usize) -> Answer {
    if count == 0 {
        let body = json!({ "credential_configuration_id": id });
        return world.credential_request(token, &body).await;
    }
    let mut proofs = Vec::new();
    for _ in 0..count {
        proofs.push(world.proof(&holder_key()).await);
    }
    world.credential(token, id, &proofs).await
}

/// The credentials of an answer, as a verifier reads them.
fn verified(world: &World, id: &str, answer: &Answer) -> Vec<Verified> {
    let format = world.issuer.types[id].format.name();
    let key = Certificate::from_der(&world.issuer.keys().signing.x5c[0]).unwrap().public_key;
    let credentials = answer.success()["credentials"].as_array().unwrap().clone();
    let read = |credential: &Value| {
        let unverified = formats::parse(format, &credential["credential"]).unwrap();
        unverified.verify(&key, world.clock.now()).unwrap()
    };
    credentials.iter().map(read).collect()
}

fn reference(credential: &Verified) -> StatusReference {
    match credential.status.clone() {
        Some(CredentialStatus::StatusList(reference)) => reference,
        other => panic!("{other:?}"),
    }
}

/// A credential from a new offer: the id of the offer, and where its status is.
async fn issued(world: &World, id: &str) -> (String, StatusReference) {
    let (offer, references) = issued_together(world, id, 1).await;
    (offer, references[0].clone())
}

/// Credentials from a new offer, in one request.
async fn issued_together(world: &World, id: &str, count: usize) -> (String, Vec<StatusReference>) {
    let offered = world.offer(id, &json!({})).await;
    let token = world.redeem(&offered.code, &[]).await.success();
    let token = token["access_token"].as_str().unwrap();
    let answer = issue(world, token, id, count).await;
    (offered.id, verified(world, id, &answer).iter().map(reference).collect())
}

async fn fetch(wire: &Wire, uri: &str, headers: &[(&str, &str)]) -> Answer {
    let mut begun = Request::get(uri);
    for (name, value) in headers {
        begun = begun.header(*name, *value);
    }
    wire.ask(begun, "").await
}

/// The list at an address, as a verifier takes it: the key comes from `x5c`.
fn list(world: &World, uri: &str, format: TokenFormat, body: &[u8]) -> VerifiedStatusList {
    let unverified = parse(format, body).unwrap();
    let x5c = unverified.key_reference().x5c.unwrap();
    assert_eq!(x5c, world.issuer.keys().signing.x5c, "HAIP-44");
    assert_eq!(unverified.key_reference().kid.as_ref(), Some(&world.issuer.keys().signing.kid));
    let certificate = Certificate::from_der(&x5c[0]).unwrap();
    assert!(!certificate.is_self_issued, "HAIP-44");
    unverified.verify(&certificate.public_key, uri, world.clock.now()).unwrap()
}

/// What a verifier finds out about a credential.
async fn status(world: &World, wire: &Wire, reference: &StatusReference) -> Option<Status> {
    let answer = fetch(wire, &reference.uri, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    list(world, &reference.uri, TokenFormat::Jwt, &answer.body).status(reference)
}

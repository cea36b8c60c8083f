//! Several credentials for one request: announced, bounded, and not to be linked (GEN-05, PRIV-06).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::Value;
use testkit::proof::holder_key;
use testkit::world::World;

const CARD: &str = "student_card";

/// Proofs of these keys over one nonce (AMB-03).
async fn proofs(world: &World, keys: &[SoftwareKey]) -> Vec<String> {
    let nonce = world.nonce().await;
    let mut proofs = Vec::new();
    for key in keys {
        proofs.push(world.draft(key, &nonce).sign(key).await);
    }
    proofs
}

fn payload(credential: &Value) -> Value {
    let payload = credential["credential"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// CRED-11, CRED-36, AMB-03, AMB-21, META-23: as many as announced, over one nonce.
#[tokio::test]
async fn a_batch_has_one_nonce_and_an_answer_in_its_order() {
    let world = World::new().await;
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    let size = metadata["batch_credential_issuance"]["batch_size"].as_u64().unwrap();
    let keys: Vec<SoftwareKey> = (0..size).map(|_| holder_key()).collect();
    let token = world.token(CARD).await;
    let proofs = proofs(&world, &keys).await;
    let answer = world.credential(&token, CARD, &proofs).await.success();
    let issued = answer["credentials"].as_array().unwrap();
    assert_eq!(issued.len(), keys.len());
    for (credential, key) in issued.iter().zip(&keys) {
        let bound = &payload(credential)["cnf"]["jwk"];
        assert_eq!(bound["x"], key.public_key().to_jwk()["x"], "AMB-21");
    }
    let again = world.credential(&token, CARD, &proofs).await;
    assert!(again.is(400, "invalid_nonce"), "AMB-04: the nonce is spent: {again:?}");
}

/// AMB-20, GEN-05, DEP-10, PRIV-07: two of one batch share nothing but what they say.
#[tokio::test]
async fn credentials_of_a_batch_cannot_be_linked() {
    let world = World::new().await;
    world.clock.advance(86_400); // on the first day of its certificate none begins before that
    let keys: Vec<SoftwareKey> = (0..10).map(|_| holder_key()).collect();
    let token = world.token(CARD).await;
    let answer = world.credential(&token, CARD, &proofs(&world, &keys).await).await.success();
    let issued = answer["credentials"].as_array().unwrap();
    let payloads: Vec<Value> = issued.iter().map(payload).collect();
    let entry = |payload: &Value| payload["status"]["status_list"]["idx"].as_u64().unwrap();
    let entries: Vec<u64> = payloads.iter().map(entry).collect();
    let distinct: BTreeSet<u64> = entries.iter().copied().collect();
    assert_eq!(distinct.len(), 10, "each has an entry of its own");
    let neighbours = entries.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 1000).count();
    assert!(neighbours < 5, "entries that stand together tell who is who: {entries:?}");
    let digests = payloads.iter().flat_map(|payload| payload["_sd"].as_array().unwrap());
    let digests: Vec<&str> = digests.map(|digest| digest.as_str().unwrap()).collect();
    let different: BTreeSet<&str> = digests.iter().copied().collect();
    assert_eq!(different.len(), digests.len(), "salts");
    for name in ["iat", "exp"] {
        let times: BTreeSet<u64> = payloads.iter().filter_map(|one| one[name].as_u64()).collect();
        assert_eq!(times.len(), 1, "{name} is the day's, as of everybody else's");
        assert!(times.iter().all(|time| time % 86_400 == 0));
    }
}

/// CRED-11, CRED-57: one too many refuses all, and costs nothing.
#[tokio::test]
async fn a_batch_that_is_too_large_is_refused() {
    let world = World::with(|issuer| issuer.config.offer.credentials_per_offer = 3).await;
    let keys: Vec<SoftwareKey> = (0..4).map(|_| holder_key()).collect();
    let token = world.token(CARD).await;
    let mut proofs = proofs(&world, &keys).await;
    let answer = world.credential(&token, CARD, &proofs).await;
    assert!(answer.is(400, "invalid_proof"), "{answer:?}");
    proofs.pop();
    let answer = world.credential(&token, CARD, &proofs).await.success();
    assert_eq!(answer["credentials"].as_array().unwrap().len(), 3);
}

//! Several credentials for one request: announced, bounded, and not to be linked (GEN-05, PRIV-06).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use issuer::credential_type::{Approval, CredentialType};
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::wire::JSON;
use testkit::world::{ISSUER, World};

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

/// CRED-11, CRED-61: one offer of a type in two formats gives a full batch of each, and so it does
/// where an officer says yes later (VCI §9).
#[tokio::test]
async fn each_format_of_an_offer_has_a_full_batch() {
    let types = || {
        let text = "format = \"dc+sd-jwt\"\nvct = \"https://issuer.example/types/badge\"\n\
            validity_days = 30\n[[display]]\nname = \"Badge\"\nlocale = \"en\"\n[[claims]]\n\
            path = [\"room\"]\ntype = \"integer\"\nrequired = true\nexample = 7\n[[also]]\n\
            format = \"mso_mdoc\"\ndoctype = \"org.example.badge.1\"\n";
        CredentialType::parse_all(Path::new("credentials/badge.toml"), text, ISSUER).unwrap()
    };
    for approval in [Approval::AtOnce, Approval::Deferred] {
        let world = World::with(|issuer| {
            issuer.config.offer.credentials_per_offer = 2;
            issuer.types.extend(types().into_iter().map(|one| (one.id.clone(), one)));
            issuer.types.get_mut("badge_mdoc").unwrap().approval = approval;
        })
        .await;
        let ids = ["badge", "badge_mdoc"];
        let more = json!({ "credential_configuration_ids": ids, "without_tx_code": true });
        let offered = world.offer("badge", &more).await;
        let token = world.redeem(&offered.code, &[]).await.success();
        let token = token["access_token"].as_str().unwrap();
        let keys = || [holder_key(), holder_key()];
        let sd_jwt = world.credential(token, ids[0], &proofs(&world, &keys()).await).await;
        assert_eq!(sd_jwt.success()["credentials"].as_array().unwrap().len(), 2);
        let mut mdoc = world.credential(token, ids[1], &proofs(&world, &keys()).await).await;
        if approval == Approval::Deferred {
            let transaction_id = mdoc.json()["transaction_id"].clone();
            let listed = world.operator("GET", "/admin/v1/deferrals?state=waiting", None).await;
            let id = listed.json()["deferrals"][0]["id"].as_str().unwrap().to_owned();
            let path = format!("/admin/v1/deferrals/{id}/approve");
            assert_eq!(world.operator("POST", &path, None).await.status, 200);
            let begun = Request::post("/deferred-credential").header(CONTENT_TYPE, JSON);
            let begun = begun.header(AUTHORIZATION, format!("Bearer {token}"));
            let body = json!({ "transaction_id": transaction_id }).to_string();
            mdoc = world.public.ask(begun, body).await;
        }
        assert_eq!(mdoc.success()["credentials"].as_array().unwrap().len(), 2, "{approval:?}");
        let more = world.credential(token, ids[0], &proofs(&world, &keys()).await).await;
        assert!(more.is(400, "credential_request_denied"), "{more:?}");
    }
}

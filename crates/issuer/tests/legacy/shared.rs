//! One identifier, one offer, one QR code for 1.0 and drafts 13 to 15.

use issuer::credential_type::Approval;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::world::{ISSUER, World};

use crate::speaker::{CARD, DIPLOMA};

const METADATA: &str = "/.well-known/openid-credential-issuer";

async fn world() -> World {
    World::with(|issuer| issuer.config.legacy.shared = true).await
}

/// A token for a new offer of 1.0, and the nonce that came with it.
async fn begun(world: &World, id: &str) -> (String, String) {
    let offered = world.offer(id, &json!({})).await;
    let answer = world.redeem(&offered.code, &[]).await.success();
    assert_eq!(answer["c_nonce_expires_in"], 300, "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("access_token"), text("c_nonce"))
}

fn naming(id: &str) -> Value {
    let types = ["VerifiableCredential", "UniversityDegreeCredential"];
    let vct = format!("{ISSUER}/credentials/{CARD}");
    match id {
        DIPLOMA => json!({ "format": "jwt_vc_json", "credential_definition": { "type": types } }),
        _ => json!({ "format": "vc+sd-jwt", "vct": vct }),
    }
}

fn with(mut request: Value, name: &str, value: Value) -> Value {
    request[name] = value;
    request
}

/// Draft 13, section 7.2, and draft 14, section 8.2: by format, with the nonce of the token.
#[tokio::test]
async fn an_offer_of_the_final_version_is_taken_in_a_draft() {
    let world = world().await;
    for id in [DIPLOMA, CARD] {
        let (token, nonce) = begun(&world, id).await;
        let key = holder_key();
        let proof = world.draft(&key, &nonce).sign(&key).await;
        let request = with(naming(id), "proof", json!({ "proof_type": "jwt", "jwt": proof }));
        let answer = world.credential_request(&token, &request).await.success();
        let credential = answer["credential"].as_str().unwrap();
        assert!(credential.starts_with("ey") && answer["c_nonce"].is_string(), "{answer}");
        assert_eq!(answer["credentials"], json!([{ "credential": credential }]));
        let (token, nonce) = begun(&world, id).await;
        let (first, second) = (holder_key(), holder_key());
        let jwts = [
            world.draft(&first, &nonce).sign(&first).await,
            world.draft(&second, &nonce).sign(&second).await,
        ];
        let request = with(naming(id), "proofs", json!({ "jwt": jwts }));
        let answer = world.credential_request(&token, &request).await.success();
        let credentials = answer["credentials"].as_array().unwrap();
        assert!(credentials.len() == 2 && credentials.iter().all(Value::is_string), "{answer}");
    }
}

/// Metadata of 1.0 name the format as 1.0 does, and a wallet may say it after them.
#[tokio::test]
async fn a_format_may_have_the_name_of_the_metadata() {
    let world = world().await;
    let (token, nonce) = begun(&world, CARD).await;
    let key = holder_key();
    let proof = world.draft(&key, &nonce).sign(&key).await;
    let request = with(naming(CARD), "format", json!("dc+sd-jwt"));
    let request = with(request, "proof", json!({ "proof_type": "jwt", "jwt": proof }));
    assert!(world.credential_request(&token, &request).await.success()["credential"].is_string());
}

/// An identifier with a single proof may be of any of the three: each finds its word.
#[tokio::test]
async fn by_identifier_each_draft_finds_its_word() {
    let world = world().await;
    let details = json!([{ "type": "openid_credential", "credential_configuration_id": DIPLOMA }]);
    let offered = world.offer(DIPLOMA, &json!({})).await;
    let details = ("authorization_details", &*details.to_string());
    let answer = world.redeem(&offered.code, &[details]).await.success();
    let identifier = &answer["authorization_details"][0]["credential_identifiers"][0];
    let key = holder_key();
    let proof = world.draft(&key, answer["c_nonce"].as_str().unwrap()).sign(&key).await;
    let request = json!({
        "credential_identifier": identifier,
        "proof": { "proof_type": "jwt", "jwt": proof },
    });
    let token = answer["access_token"].as_str().unwrap();
    let answer = world.credential_request(token, &request).await.success();
    assert_eq!(answer["credentials"], json!([{ "credential": answer["credential"] }]));
}

/// Who speaks 1.0 is answered in 1.0.
#[tokio::test]
async fn the_final_version_is_spoken_as_before() {
    let world = world().await;
    let key = holder_key();
    let token = world.token(DIPLOMA).await;
    let answer = world.credential(&token, DIPLOMA, &[world.proof(&key).await]).await.success();
    let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(members, ["credentials", "notification_id"], "{answer}");
    let bad = json!({ "credential_configuration_id": DIPLOMA, "proofs": { "jwt": ["x"] } });
    let answer = world.credential_request(&world.token(DIPLOMA).await, &bad).await;
    assert!(answer.is(400, "invalid_proof") && answer.json().get("c_nonce").is_none());
}

/// The metadata say twice what a credential is called, and nothing else of a draft.
#[tokio::test]
async fn metadata_are_those_of_the_final_version_with_names_for_drafts() {
    let (shared, alone) = (world().await, World::new().await);
    let mut told = shared.public.get(METADATA).await.json();
    let configurations = told["credential_configurations_supported"].as_object_mut().unwrap();
    for one in configurations.values_mut() {
        let display = one.as_object_mut().unwrap().remove("display").unwrap();
        assert_eq!(display, one["credential_metadata"]["display"]);
    }
    let others = alone.public.get(METADATA).await.json();
    let name = "credential_configurations_supported";
    assert_eq!(told[name], others[name]);
    let members = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&told), members(&others));
}

/// Draft 13, section 7.3.1.2: with the next nonce, and nothing lost. In what is not asked for, a word of
/// a draft stays what it was.
#[tokio::test]
async fn refusals_are_in_the_words_of_the_question() {
    let world = world().await;
    let (token, _) = begun(&world, DIPLOMA).await;
    let key = holder_key();
    let proof = async |nonce: &str| {
        let jwt = world.draft(&key, nonce).sign(&key).await;
        json!({ "proof_type": "jwt", "jwt": jwt })
    };
    let request = with(naming(DIPLOMA), "proof", proof("stale").await);
    let refused = world.credential_request(&token, &request).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_proof")));
    let nonce = refused.json()["c_nonce"].as_str().unwrap().to_owned();
    let other = with(naming(CARD), "proof", proof(&nonce).await);
    let refused = world.credential_request(&token, &other).await;
    assert!(refused.is(400, "unsupported_credential_format"), "{refused:?}");
    let request = with(naming(DIPLOMA), "proof", proof(&nonce).await);
    assert!(world.credential_request("none", &request).await.is(401, "invalid_token"));
    world.credential_request(&token, &request).await.success();
    let again = world.credential_request(&token, &request).await;
    let again = (again.status, again.json()["error"].clone());
    assert_eq!(again, (400, json!("invalid_proof")), "a nonce is good once");
}

/// What an officer approves later is asked for again in words that are of no draft: it is refused
/// before anything is spent, and 1.0 gets it.
#[tokio::test]
async fn what_comes_later_is_for_the_final_version() {
    let world = World::with(|issuer| {
        issuer.config.legacy.shared = true;
        issuer.types.get_mut(DIPLOMA).unwrap().approval = Approval::Deferred;
    })
    .await;
    let (token, nonce) = begun(&world, DIPLOMA).await;
    let key = holder_key();
    let jwt = world.draft(&key, &nonce).sign(&key).await;
    let request = with(naming(DIPLOMA), "proof", json!({ "proof_type": "jwt", "jwt": jwt }));
    let refused = world.credential_request(&token, &request).await;
    assert!(refused.is(400, "invalid_credential_request"), "{refused:?}");
    let proof = world.proof(&key).await;
    let answer = world.credential(&token, DIPLOMA, &[proof]).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// An identifier with a single proof is no word of a draft alone: where a draft has no answer, 1.0 has
/// one, as it has without the switch.
#[tokio::test]
async fn what_comes_later_may_be_asked_for_by_identifier_with_a_single_proof() {
    for is_shared in [true, false] {
        let world = World::with(|issuer| {
            issuer.config.legacy.shared = is_shared;
            issuer.types.get_mut(DIPLOMA).unwrap().approval = Approval::Deferred;
        })
        .await;
        let details = json!([{
            "type": "openid_credential", "credential_configuration_id": DIPLOMA,
        }]);
        let offered = world.offer(DIPLOMA, &json!({})).await;
        let details = ("authorization_details", &*details.to_string());
        let answer = world.redeem(&offered.code, &[details]).await.success();
        let proof = world.proof(&holder_key()).await;
        let request = json!({
            "credential_identifier": answer["authorization_details"][0]["credential_identifiers"][0],
            "proof": { "proof_type": "jwt", "jwt": proof },
        });
        let token = answer["access_token"].as_str().unwrap();
        let answer = world.credential_request(token, &request).await;
        assert_eq!(answer.status, 202, "{is_shared}: {answer:?}");
        assert!(answer.json()["transaction_id"].is_string(), "{answer:?}");
    }
}

/// Without the switch 1.0 knows no format.
#[tokio::test]
async fn it_is_asked_for() {
    let world = World::new().await;
    let token = world.token(DIPLOMA).await;
    let key = holder_key();
    let proof = json!({ "proof_type": "jwt", "jwt": world.proof(&key).await });
    let answer = world.credential_request(&token, &with(naming(DIPLOMA), "proof", proof)).await;
    assert!(answer.is(400, "invalid_credential_request"), "{answer:?}");
}

//! What comes later, and several at once.

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use issuer::credential_type::{Approval, Revocation};
use oid4vci::legacy::Dialect;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::world::World;

use crate::speaker::{CARD, DIPLOMA, DRAFTS, Speaker, world};

async fn deferring() -> World {
    World::with(|issuer| {
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        issuer.types.get_mut(DIPLOMA).unwrap().approval = Approval::Deferred;
    })
    .await
}

pub(crate) async fn approve(world: &World) {
    let listed = world.operator("GET", "/admin/v1/deferrals?state=waiting", None).await.json();
    let id = listed["deferrals"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/v1/deferrals/{id}/approve");
    world.operator("POST", &path, None).await;
}

/// Until draft 11 an `acceptance_token` with status 200, then a `transaction_id` with 202; too early
/// is `issuance_pending`, and what was delivered is not delivered again.
#[tokio::test]
async fn what_waits_is_fetched_in_the_words_of_the_draft() {
    let world = deferring().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(DIPLOMA).await;
        let key = holder_key();
        let proof = speaker.proof(&key, &nonce).sign(&key).await;
        let answer = speaker.credential(&token, &speaker.request(DIPLOMA, &proof)).await;
        let old = draft <= 11;
        assert_eq!(answer.status, if old { 200 } else { 202 }, "{answer:?}");
        let put_off = answer.json();
        let acceptance = put_off["acceptance_token"].as_str().unwrap_or_default();
        let (bearer, body) = if old {
            (acceptance, String::new())
        } else {
            (token.as_str(), json!({ "transaction_id": put_off["transaction_id"] }).to_string())
        };
        let fetch = async || speaker.post("deferred-credential", bearer, body.clone()).await;
        let early = fetch().await;
        assert_eq!((early.status, &early.json()["error"]), (400, &json!("issuance_pending")));
        assert_eq!(early.json()["interval"], 60);
        let other = Speaker { world: &world, draft: if draft == 13 { 12 } else { 13 } };
        let stolen = other.post("deferred-credential", bearer, body.clone()).await;
        assert_eq!(stolen.status, 401, "{stolen:?}");
        approve(&world).await;
        let answer = fetch().await.success();
        assert!(speaker.credential_of(&answer).starts_with("ey"));
        assert_eq!(answer.get("format").is_some(), draft <= 12, "{answer}");
        let again = fetch().await;
        let code = if old { "invalid_token" } else { "invalid_transaction_id" };
        assert_eq!((again.status, &again.json()["error"]), (400, &json!(code)), "{again:?}");
    }
}

/// Half an `acceptance_token` opens nothing.
#[tokio::test]
async fn an_acceptance_token_is_good_as_a_whole() {
    let world = deferring().await;
    let speaker = Speaker { world: &world, draft: 11 };
    let (token, nonce) = speaker.fresh(DIPLOMA).await;
    let key = holder_key();
    let proof = speaker.proof(&key, &nonce).sign(&key).await;
    let put_off = speaker.credential(&token, &speaker.request(DIPLOMA, &proof)).await.json();
    let whole = put_off["acceptance_token"].as_str().unwrap();
    let (_, id) = whole.split_once('~').unwrap();
    let (other_token, _) = speaker.fresh(DIPLOMA).await;
    approve(&world).await;
    for bearer in [
        token.clone(),
        id.to_owned(),
        format!("x~{id}"),
        format!("{token}~x"),
        format!("{other_token}~{id}"),
    ] {
        let answer = speaker.post("deferred-credential", &bearer, "").await;
        assert!((400..=401).contains(&answer.status), "{bearer}: {answer:?}");
        assert_eq!(answer.json()["error"], "invalid_token");
    }
    speaker.post("deferred-credential", whole, "").await.success();
}

/// Section 8 of drafts 9 to 13: one answer for each request, all or nothing.
#[tokio::test]
async fn a_batch_is_answered_in_its_order_or_not_at_all() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(DIPLOMA).await;
        let mut requests = Vec::new();
        for key in [holder_key(), holder_key()] {
            let proof = speaker.proof(&key, &nonce).sign(&key).await;
            requests.push(speaker.request(DIPLOMA, &proof));
        }
        let batch = |requests: &[Value]| json!({ "credential_requests": requests }).to_string();
        let post = async |body: String| speaker.post("batch-credential", &token, body).await;
        if !(9..=13).contains(&draft) {
            assert_eq!(post(batch(&requests)).await.status, 404);
            continue;
        }
        let mut spoilt = requests.clone();
        spoilt[1]["proof"]["jwt"] = json!("x");
        for body in [batch(&spoilt), batch(&[]), json!({}).to_string(), batch(&[json!(7)])] {
            assert_eq!(post(body).await.status, 400);
        }
        let answer = post(batch(&requests)).await.success();
        let responses = answer["credential_responses"].as_array().unwrap();
        assert_eq!(responses.len(), 2);
        assert!(responses.iter().all(|one| one["credential"].is_string()), "{answer}");
        assert!(answer["c_nonce"].is_string());
    }
}

/// Requests for different credentials, with one nonce: what has a status and what has none, each in its
/// place and with its own claims; one of them that is not in the offer spoils all, and costs nothing.
#[tokio::test]
async fn a_batch_may_be_for_different_credentials() {
    let world = World::with(|issuer| {
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        issuer.types.get_mut(DIPLOMA).unwrap().revocation = Revocation::Never;
    })
    .await;
    for draft in [11, 12, 13] {
        let speaker = Speaker { world: &world, draft };
        let mut claims = world.issuer.types[DIPLOMA].sample();
        claims.extend(world.issuer.types[CARD].sample());
        let wish = json!({ "credential_configuration_ids": [DIPLOMA, CARD], "claims": claims });
        let offered = speaker.offer(DIPLOMA, wish).await;
        let (token, nonce) = speaker.token(&offered).await;
        let mut requests = Vec::new();
        for id in [DIPLOMA, CARD, DIPLOMA] {
            let key = holder_key();
            let proof = speaker.proof(&key, &nonce).sign(&key).await;
            requests.push(speaker.request(id, &proof));
        }
        let post = async |requests: &[Value]| {
            let body = json!({ "credential_requests": requests }).to_string();
            speaker.post("batch-credential", &token, body).await
        };
        let mut strange = requests.clone();
        strange[1]["vct"] = json!("https://elsewhere.example/card");
        assert_eq!(post(&strange).await.status, 400, "{draft}");
        let answer = post(&requests).await.success();
        let responses = answer["credential_responses"].as_array().unwrap();
        let types: Vec<bool> =
            responses.iter().map(|one| one["credential"].as_str().unwrap().contains('~')).collect();
        assert_eq!(types, [false, true, false], "{draft}: {answer}");
        let path = format!("/admin/v1/offers/{}", offered.id);
        let standing = world.operator("GET", &path, None).await.json();
        let issued = standing["credentials"].as_array().unwrap();
        let of = |issued: &Value| issued["credential_configuration_id"] == json!(CARD);
        assert_eq!(issued.iter().filter(|one| of(one)).count(), 1, "{standing}");
        assert_eq!(issued.len(), 3, "{standing}");
        assert_eq!(post(&requests).await.status, 400, "the nonce is spent");
    }
}

/// What waits is asked for alone: a batch has no word for when each comes.
#[tokio::test]
async fn a_batch_waits_for_no_officer() {
    let world = deferring().await;
    let speaker = Speaker { world: &world, draft: 13 };
    let (token, nonce) = speaker.fresh(DIPLOMA).await;
    let key = holder_key();
    let proof = speaker.proof(&key, &nonce).sign(&key).await;
    let body = json!({ "credential_requests": [speaker.request(DIPLOMA, &proof)] });
    let answer = speaker.post("batch-credential", &token, body.to_string()).await;
    assert_eq!(answer.json()["error"], "invalid_credential_request");
    let alone = speaker.credential(&token, &speaker.request(DIPLOMA, &proof)).await;
    assert_eq!(alone.status, 202, "nothing was spent: {alone:?}");
}

/// No draft has a cover for a Deferred Credential Request: it is told so, and nothing is delivered.
#[tokio::test]
async fn what_waits_is_asked_for_in_the_clear() {
    let world = deferring().await;
    for draft in [12, 13, 14, 15] {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(DIPLOMA).await;
        let key = holder_key();
        let proof = speaker.proof(&key, &nonce).sign(&key).await;
        let put_off = speaker.credential(&token, &speaker.request(DIPLOMA, &proof)).await.json();
        approve(&world).await;
        let id = &put_off["transaction_id"];
        let covered = Request::post(format!("/draft-{draft}/deferred-credential"))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/jwt");
        let covered = world.public.ask(covered, "e30.e30.e30.e30.e30").await;
        let code = &covered.json()["error"];
        assert_eq!((covered.status, code), (400, &json!("invalid_encryption_parameters")));
        let nameless = speaker.post("deferred-credential", &token, "{}").await;
        let code = &nameless.json()["error"];
        assert_eq!((nameless.status, code), (400, &json!("invalid_credential_request")));
        let body = json!({ "transaction_id": id }).to_string();
        let answer = speaker.post("deferred-credential", &token, body).await.success();
        assert!(speaker.credential_of(&answer).starts_with("ey"), "nothing was lost");
    }
}

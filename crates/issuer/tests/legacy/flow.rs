//! The whole way from offer to credential, in the words of each draft.

use axum::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::wire::{FORM, JSON};
use testkit::world::ISSUER;

use crate::speaker::{CARD, DIPLOMA, DRAFTS, Speaker, world};

/// The header, or the claims, of a JWT.
fn part(credential: &str, place: usize) -> Value {
    let part = credential.split('.').nth(place).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Every draft, with and without PIN, `jwt_vc_json` and where it has a name SD-JWT VC.
#[tokio::test]
async fn each_draft_leads_to_a_credential() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        for id in [DIPLOMA, CARD].into_iter().filter(|id| *id == DIPLOMA || draft >= 11) {
            for tx_code in [false, true] {
                let offered = speaker.offer(id, json!({ "tx_code": tx_code })).await;
                let (token, nonce) = speaker.token(&offered).await;
                let key = holder_key();
                let proof = speaker.proof(&key, &nonce).sign(&key).await;
                let answer =
                    speaker.credential(&token, &speaker.request(id, &proof)).await.success();
                let credential = speaker.credential_of(&answer);
                let claims = part(&credential, 1);
                if id == CARD {
                    let typ = if draft == 15 { "dc+sd-jwt" } else { "vc+sd-jwt" };
                    assert_eq!(part(&credential, 0)["typ"], typ);
                }
                assert_eq!(claims["iss"], ISSUER, "the issuer is one, whatever it speaks");
                assert_eq!(answer.get("format").is_some(), draft <= 12, "{answer}");
                assert_eq!(answer.get("c_nonce").is_some(), draft <= 14, "{answer}");
                assert_eq!(answer.get("notification_id").is_some(), draft >= 13, "{answer}");
                let path = format!("/admin/v1/offers/{}", offered.id);
                let standing = world.operator("GET", &path, None).await.json();
                assert_eq!(
                    (&standing["state"], &standing["draft"]),
                    (&json!("issued"), &json!(draft.to_string()))
                );
            }
        }
    }
}

/// Where an offer is, and how it says that it needs a PIN.
#[tokio::test]
async fn an_offer_has_the_shape_of_its_draft() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        for by_value in [false, true] {
            let more = json!({ "tx_code": true, "by_value": by_value });
            let offered = speaker.offer(DIPLOMA, more).await;
            let (document, grant) =
                (&offered.document, &offered.document["grants"][PRE_AUTHORIZED_CODE]);
            let issuer = if draft <= 9 { "issuer" } else { "credential_issuer" };
            assert_eq!(document[issuer], speaker.identifier());
            let ids = json!([DIPLOMA]);
            match draft {
                8 => assert_eq!(
                    (&document["credential_type"], &document["user_pin_required"]),
                    (&json!(DIPLOMA), &json!("true"))
                ),
                9 => assert_eq!(
                    (&document["credentials"], &document["user_pin_required"]),
                    (&ids, &json!(true))
                ),
                11 | 12 => assert_eq!(
                    (&document["credentials"], &grant["user_pin_required"]),
                    (&ids, &json!(true))
                ),
                _ => {
                    assert_eq!(document["credential_configuration_ids"], ids);
                    assert_eq!(grant["tx_code"]["input_mode"], "numeric");
                    assert!(grant.get("user_pin_required").is_none());
                }
            }
            let scheme = if draft <= 9 {
                "openid-initiate-issuance://?"
            } else {
                "openid-credential-offer://?"
            };
            assert!(offered.uri.starts_with(scheme), "{}", offered.uri);
            let is_reference = offered.uri.contains("credential_offer_uri=");
            assert_eq!(is_reference, draft >= 11 && !by_value, "{}", offered.uri);
        }
    }
}

/// 1.0 beside all drafts says no word of them.
#[tokio::test]
async fn the_final_version_stays_as_it_is() {
    let world = world().await;
    let offered = world.offer(CARD, &json!({})).await;
    let answer = world.redeem(&offered.code, &[]).await.success();
    assert!(answer.get("c_nonce").is_none());
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    assert!(metadata.get("credentials_supported").is_none());
    assert_eq!(metadata["credential_issuer"], ISSUER);
}

/// Draft 14, section 8.2 has a list of proofs, draft 15 too.
#[tokio::test]
async fn several_proofs_yield_several_credentials() {
    let world = world().await;
    for draft in [14, 15] {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(CARD).await;
        let mut proofs = Vec::new();
        for key in [holder_key(), holder_key()] {
            proofs.push(speaker.proof(&key, &nonce).sign(&key).await);
        }
        let mut request = speaker.naming(CARD);
        request["proofs"] = json!({ "jwt": proofs });
        let answer = speaker.credential(&token, &request).await.success();
        let credentials = answer["credentials"].as_array().unwrap();
        assert_eq!(credentials.len(), 2);
        assert_eq!(credentials[0].is_string(), draft == 14, "{answer}");
    }
}

/// Draft 8 had forms before; some of its Wallets still send them.
#[tokio::test]
async fn a_form_is_taken_in_draft_8_alone() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(DIPLOMA).await;
        let key = holder_key();
        let proof = speaker.proof(&key, &nonce).sign(&key).await;
        let proof = json!({ "proof_type": "jwt", "jwt": proof }).to_string();
        let form = [("format", "jwt_vc"), ("type", DIPLOMA), ("proof", &proof)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let begun = Request::post(format!("/draft-{draft}/credential"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", FORM);
        let answer = world.public.ask(begun, body).await;
        assert_eq!(answer.status, if draft == 8 { 200 } else { 400 }, "{answer:?}");
    }
}

/// Draft 13, section 10 and later: the Wallet says what became of it.
#[tokio::test]
async fn a_wallet_tells_what_became_of_it() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(DIPLOMA).await;
        let key = holder_key();
        let proof = speaker.proof(&key, &nonce).sign(&key).await;
        let answer = speaker.credential(&token, &speaker.request(DIPLOMA, &proof)).await.success();
        let body = json!({
            "notification_id": answer["notification_id"],
            "event": "credential_accepted",
        });
        let told = speaker.post("notification", &token, body.to_string()).await;
        assert_eq!(told.status, if draft >= 13 { 204 } else { 404 }, "{told:?}");
    }
}

/// RFC 9449 §4.3: the endpoints of a draft have addresses of their own, and a proof is for one.
#[tokio::test]
async fn a_token_can_be_bound_in_a_draft() {
    let world = world().await;
    let speaker = Speaker { world: &world, draft: 13 };
    let code = speaker.offer(DIPLOMA, json!({})).await.code;
    let key = holder_key();
    let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", &code)];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let redeem = async |place: &str| {
        let proof = world.dpop(&key, place, None).sign(&key).await;
        let begun = Request::post("/draft-13/token").header("dpop", proof);
        world.public.ask(begun.header("content-type", FORM), form.clone()).await
    };
    let elsewhere = redeem("token").await;
    assert_eq!((elsewhere.status, &elsewhere.json()["error"]), (400, &json!("invalid_dpop_proof")));
    let answer = redeem("draft-13/token").await.success();
    assert_eq!(answer["token_type"], "DPoP");
    let token = answer["access_token"].as_str().unwrap();
    let proof = speaker.proof(&key, answer["c_nonce"].as_str().unwrap()).sign(&key).await;
    let request = speaker.request(DIPLOMA, &proof);
    let stolen = speaker.credential(token, &request).await;
    assert_eq!(stolen.status, 401, "without the key: {stolen:?}");
    let dpop = world.dpop(&key, "draft-13/credential", Some(token)).sign(&key).await;
    let begun = Request::post("/draft-13/credential").header("dpop", dpop);
    let begun = begun.header("authorization", format!("DPoP {token}"));
    let begun = begun.header("content-type", JSON);
    world.public.ask(begun, request.to_string()).await.success();
}

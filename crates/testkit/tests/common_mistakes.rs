//! What implementers of OpenID4VCI get wrong most often: a test for each, by its name.
//!
//! The rules behind them are tested one by one where they live; here each is tried from outside.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use axum::http::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use issuer::Issuer;
use issuer::config::IssuerUrl;
use keys::outside::Timestamp;
use keys::signer::SoftwareKey;
use oid4vci::encryption::Encryption;
use oid4vci::offer::ReceivedOffer;
use oid4vci::proof::{HolderBinding, NewProof};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::sign_in::with_client;
use testkit::wire::JSON;
use testkit::world::{ISSUER, World};

const CARD: &str = "student_card";
const TICKET: &str = "course_ticket";
const ISSUER_METADATA: &str = "/.well-known/openid-credential-issuer";
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// Header and claims of a JWT.
fn parts(jwt: &str) -> (Value, Value) {
    let mut parts = jwt.split('.').map(|part| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

/// A document that anybody may read.
async fn published(world: &World, place: &str) -> Value {
    let answer = world.public.get(place).await;
    assert_eq!(answer.status, 200, "{place}");
    answer.json()
}

async fn proofs(world: &World, keys: &[SoftwareKey], nonce: &str) -> Vec<String> {
    let mut proofs = Vec::new();
    for key in keys {
        proofs.push(world.draft(key, nonce).sign(key).await);
    }
    proofs
}

/// VCI §12.2.2, META-02
#[tokio::test]
async fn the_well_known_path_stands_between_host_and_path() {
    let world = World::at("https://issuer.example/university", |_| {}).await;
    for name in [ISSUER_METADATA, SERVER_METADATA] {
        published(&world, &format!("{name}/university")).await;
        assert_eq!(world.public.get(name).await.status, 404, "of another issuer");
    }
}

/// AMB-01
#[tokio::test]
async fn a_trailing_slash_is_never_part_of_an_identifier() {
    let slashed = IssuerUrl::try_from("https://issuer.example/university/".to_owned());
    let told = slashed.map(|url| url.as_str().to_owned());
    assert!(told.as_deref().map_or(true, |url| !url.ends_with('/')), "{told:?}");
    let metadata = published(&World::new().await, ISSUER_METADATA).await;
    assert_eq!(metadata["credential_issuer"], ISSUER);
}

/// VCI §4.1.1, OFFER-19
#[tokio::test]
async fn an_empty_tx_code_still_requires_a_code() {
    let offer = json!({
        "credential_issuer": ISSUER,
        "credential_configuration_ids": [CARD],
        "grants": { PRE_AUTHORIZED_CODE: { "pre-authorized_code": "x", "tx_code": {} } },
    });
    let received = ReceivedOffer::parse(offer.to_string().as_bytes()).unwrap();
    assert!(received.pre_authorized_code.unwrap().tx_code.is_some());
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({ "tx_code": true })).await;
    assert!(world.redeem(&offered.code, &[]).await.is(400, "invalid_request"), "TOKEN-23");
    let code = offered.tx_code.unwrap();
    world.redeem(&offered.code, &[("tx_code", &code)]).await.success();
}

/// VCI §12.3, ASMETA-02, TOKEN-27
#[tokio::test]
async fn anonymous_access_is_off_unless_it_is_announced() {
    let off = |issuer: &mut Issuer| issuer.config.authorization.anonymous_access = false;
    let world = World::with(off).await;
    let metadata = published(&world, SERVER_METADATA).await;
    let announced = metadata.get("pre-authorized_grant_anonymous_access_supported");
    assert!(announced.is_none_or(|value| *value == false));
    let code = world.offer(TICKET, &json!({})).await.code;
    assert!(world.redeem(&code, &[]).await.is(400, "invalid_client"));
    world.redeem(&code, &[("client_id", "wallet")]).await.success();
}

/// VCI §F.1, PROOF-12
#[tokio::test]
async fn the_proof_of_an_anonymous_wallet_names_nobody() {
    let key = holder_key();
    let mut proof = NewProof {
        binding: &HolderBinding::Jwk,
        credential_issuer: ISSUER,
        client_id: None,
        now: Timestamp(1_764_000_000),
        nonce: Some("n"),
        key_attestation: None,
    };
    let (_, claims) = parts(&proof.sign(&key).await.unwrap());
    assert!(claims.get("iss").is_none(), "{claims}");
    proof.client_id = Some("wallet");
    let (_, claims) = parts(&proof.sign(&key).await.unwrap());
    assert_eq!(claims["iss"], "wallet");
}

/// VCI §8.2, CRED-03, CRED-04
#[tokio::test]
async fn a_credential_identifier_is_used_if_and_only_if_the_token_response_had_details() {
    let world = World::new().await;
    let by_configuration = json!({ "credential_configuration_id": TICKET });
    let plain = world.token(TICKET).await;
    let by_identifier = json!({ "credential_identifier": format!("{TICKET}#1") });
    let refused = world.credential_request(&plain, &by_identifier).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    world.credential_request(&plain, &by_configuration).await.success();
    let code = world.offer(TICKET, &json!({})).await.code;
    let details = json!([{ "type": "openid_credential", "credential_configuration_id": TICKET }]);
    let details = details.to_string();
    let answer = world.redeem(&code, &[("authorization_details", &details)]).await.success();
    let token = answer["access_token"].as_str().unwrap();
    let identifier = &answer["authorization_details"][0]["credential_identifiers"][0];
    let refused = world.credential_request(token, &by_configuration).await;
    assert!(refused.is(400, "invalid_credential_request"), "{refused:?}");
    let by_identifier = json!({ "credential_identifier": identifier });
    world.credential_request(token, &by_identifier).await.success();
}

/// VCI §8.3.1.2, AMB-08
#[tokio::test]
async fn what_is_unknown_is_told_before_what_is_of_the_wrong_kind() {
    let world = World::new().await;
    let token = world.token(TICKET).await;
    let ask = async |body: Value| world.credential_request(&token, &body).await;
    let unknown = ask(json!({ "credential_configuration_id": "nothing" })).await;
    assert!(unknown.is(400, "unknown_credential_configuration"), "{unknown:?}");
    let unknown = ask(json!({ "credential_identifier": "nothing" })).await;
    assert!(unknown.is(400, "unknown_credential_identifier"), "{unknown:?}");
}

/// VCI §8.3.1.2, CRED-57, CRED-58, AMB-02
#[tokio::test]
async fn a_missing_nonce_is_invalid_proof_and_a_wrong_one_invalid_nonce() {
    let world = World::new().await;
    let (token, key) = (world.token(CARD).await, holder_key());
    let mut draft = world.draft(&key, "");
    draft.claim("nonce", None);
    let missing = world.credential(&token, CARD, &[draft.sign(&key).await]).await;
    assert!(missing.is(400, "invalid_proof"), "{missing:?}");
    let wrong = proofs(&world, &[key], "wrong").await;
    let wrong = world.credential(&token, CARD, &wrong).await;
    assert!(wrong.is(400, "invalid_nonce"), "{wrong:?}");
}

/// VCI §8.2, AMB-03, CRED-36
#[tokio::test]
async fn one_nonce_is_enough_for_a_whole_batch() {
    let world = World::new().await;
    let keys = [holder_key(), holder_key(), holder_key()];
    let (token, nonce) = (world.token(CARD).await, world.nonce().await);
    let proofs = proofs(&world, &keys, &nonce).await;
    let answer = world.credential(&token, CARD, &proofs).await.success();
    assert_eq!(answer["credentials"].as_array().unwrap().len(), keys.len());
}

/// VCI §8.3, CRED-34
#[tokio::test]
async fn credentials_are_an_array_of_objects() {
    let world = World::new().await;
    let token = world.token(TICKET).await;
    let body = json!({ "credential_configuration_id": TICKET });
    let answer = world.credential_request(&token, &body).await.success();
    let credentials = answer["credentials"].as_array().unwrap();
    assert!(credentials.iter().all(|one| one["credential"].is_string()));
    assert!(answer.get("credential").is_none(), "as drafts had it");
}

/// VCI §A.2.2, FMT-MDOC-02
#[tokio::test]
async fn algorithms_of_an_mdoc_are_integers() {
    const BADGE: &str = "format = \"mso_mdoc\"\ndoctype = \"org.example.1.badge\"\n\
        validity_days = 30\n[[display]]\nname = \"Badge\"\nlocale = \"en\"\n[[claims]]\n\
        path = [\"org.example.1\", \"room\"]\ntype = \"integer\"\nrequired = true\nexample = 7\n";
    let world = World::configured(|folder| {
        fs::write(folder.join("credentials/badge.toml"), BADGE).unwrap();
    });
    let metadata = published(&world.await, ISSUER_METADATA).await;
    let types = &metadata["credential_configurations_supported"];
    let algorithms = |id: &str| types[id]["credential_signing_alg_values_supported"].clone();
    assert!(algorithms("badge").as_array().unwrap().iter().all(Value::is_i64));
    assert!(algorithms(CARD).as_array().unwrap().iter().all(Value::is_string));
}

/// VCI §12.2.3, SMETA-02
#[tokio::test]
async fn signed_metadata_have_the_typ_openidvci_issuer_metadata_jwt() {
    let world = World::new().await;
    let begun = Request::get(ISSUER_METADATA).header(ACCEPT, "application/jwt");
    let answer = world.public.ask(begun, "").await;
    assert_eq!(answer.header("content-type"), "application/jwt");
    let (header, claims) = parts(&answer.text());
    assert_eq!(header["typ"], "openidvci-issuer-metadata+jwt");
    assert_eq!((&claims["sub"], &claims["iat"].is_u64()), (&json!(ISSUER), &true));
}

fn encrypted(issuer: &mut Issuer) {
    issuer.config.encryption.request = Encryption::Offered;
    issuer.config.encryption.response = Encryption::Required;
    issuer.encryption = issuer.config.encryption.policy().unwrap();
}

/// VCI §8.2, VCI §10, CRED-17, CRED-64
#[tokio::test]
async fn who_asks_for_an_encrypted_answer_encrypts_the_request_and_is_told_so_in_the_clear() {
    let world = World::with(encrypted).await;
    let token = world.token(TICKET).await;
    let key = json!({
        "kty": "EC", "crv": "P-256", "alg": "ECDH-ES", "use": "enc", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let mut body = request(TICKET, &[]);
    body["credential_response_encryption"] = json!({ "jwk": key, "enc": "A128GCM" });
    let refused = world.credential_request(&token, &body).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(refused.header("content-type"), JSON);
    assert!(refused.json()["error"].is_string());
}

/// RFC 8414 §2, ASMETA-03
#[tokio::test]
async fn the_authorization_endpoint_is_announced_also_where_most_is_pre_authorized() {
    let world = World::with(with_client).await;
    world.offer(CARD, &json!({})).await;
    let metadata = published(&world, SERVER_METADATA).await;
    assert_eq!(metadata["authorization_endpoint"], world.issuer.endpoint("authorize"));
    assert!(
        metadata["grant_types_supported"].as_array().unwrap().contains(&json!(PRE_AUTHORIZED_CODE))
    );
}

/// HAIP §6.1: verifiers with an anchor take the chain, those without it the key.
#[tokio::test]
async fn a_status_list_token_has_both_jwk_and_x5c_in_its_header() {
    let world = World::new().await;
    let (token, key) = (world.token(CARD).await, holder_key());
    let proof = world.proof(&key).await;
    let answer = world.credential(&token, CARD, &[proof]).await.success();
    let credential = answer["credentials"][0]["credential"].as_str().unwrap();
    let (_, claims) = parts(credential);
    let list = claims["status"]["status_list"]["uri"].as_str().unwrap();
    let accept = "application/statuslist+jwt";
    let list = world.public.ask(Request::get(list).header(ACCEPT, accept), "").await;
    let (header, _) = parts(&list.text());
    let leaf = BASE64_STANDARD.decode(header["x5c"][0].as_str().unwrap()).unwrap();
    let certified = keys::x509::Certificate::from_der(&leaf).unwrap().public_key;
    assert_eq!(header["jwk"]["x"], certified.to_jwk()["x"]);
    assert!(header["jwk"].get("d").is_none());
}

/// VCI §6.2, VCI §8.3, VCI §12.2.4: nothing of a draft, unless its operator wants it.
#[tokio::test]
async fn no_member_of_a_draft_is_on_an_endpoint_of_version_one() {
    let world = World::new().await;
    let metadata = published(&world, ISSUER_METADATA).await;
    for draft in [
        "credentials_supported",
        "batch_credential_endpoint",
        "credential_response_encryption_alg_values_supported",
    ] {
        assert!(metadata.get(draft).is_none(), "{draft}");
    }
    let code = world.offer(CARD, &json!({})).await.code;
    let token = world.redeem(&code, &[]).await.success();
    let access_token = token["access_token"].as_str().unwrap();
    let refused = world.credential(access_token, CARD, &[]).await;
    let proof = world.proof(&holder_key()).await;
    let answer = world.credential(access_token, CARD, &[proof]).await.success();
    for (place, body) in [("token", &token), ("error", &refused.json()), ("credential", &answer)] {
        for draft in ["c_nonce", "c_nonce_expires_in", "format", "acceptance_token"] {
            assert!(body.get(draft).is_none(), "{place}: {draft}");
        }
    }
}

/// VCI §6.2
#[tokio::test]
async fn a_token_serves_several_credential_requests() {
    let world = World::new().await;
    let token = world.token(CARD).await;
    for _ in 0..3 {
        let proof = world.proof(&holder_key()).await;
        world.credential(&token, CARD, &[proof]).await.success();
    }
    let begun = Request::post(world.issuer.endpoint("nonce")).header(CONTENT_TYPE, JSON);
    world.public.ask(begun, "{}").await.success();
}

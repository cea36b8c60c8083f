//! What is refused, and how each draft says so.

use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::sign_in::{CLIENT, REDIRECT, VERIFIER};
use testkit::wire::Answer;
use testkit::world::World;

use crate::speaker::{CARD, DIPLOMA, DRAFTS, Speaker, enable, world};

fn error(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"].as_str().unwrap().to_owned())
}

fn is(answer: &Answer, status: u16, code: &str) -> bool {
    error(answer) == (status, code.to_owned())
}

/// An offer is good in its own draft: neither code nor token in another one, nor in 1.0, and those of
/// 1.0 in no draft. Trying costs nothing.
#[tokio::test]
async fn codes_and_tokens_stay_in_their_draft() {
    let world = world().await;
    for draft in DRAFTS {
        let own = Speaker { world: &world, draft };
        let offered = own.offer(DIPLOMA, json!({})).await;
        for other in DRAFTS.into_iter().filter(|other| *other != draft) {
            let other = Speaker { world: &world, draft: other };
            assert!(is(&other.redeem(&offered.code, &[]).await, 400, "invalid_grant"));
        }
        assert!(is(&world.redeem(&offered.code, &[]).await, 400, "invalid_grant"));
        let (token, nonce) = own.token(&offered).await;
        let key = holder_key();
        for other in DRAFTS.into_iter().filter(|other| *other != draft) {
            let other = Speaker { world: &world, draft: other };
            let proof = other.proof(&key, &nonce).sign(&key).await;
            let answer = other.credential(&token, &other.request(DIPLOMA, &proof)).await;
            assert!(is(&answer, 401, "invalid_token"), "{answer:?}");
        }
        let answer = world.credential(&token, DIPLOMA, &[world.proof(&key).await]).await;
        assert!(answer.is(401, "invalid_token"));
        let final_code = world.offer(DIPLOMA, &json!({})).await.code;
        assert!(is(&own.redeem(&final_code, &[]).await, 400, "invalid_grant"));
        let final_token = world.token(DIPLOMA).await;
        let proof = own.proof(&key, &nonce).sign(&key).await;
        let answer = own.credential(&final_token, &own.request(DIPLOMA, &proof)).await;
        assert!(is(&answer, 401, "invalid_token"));
        own.credential(&token, &own.request(DIPLOMA, &proof)).await.success();
    }
}

/// VCI §13.6.3 holds in every draft: wrong PINs are counted, and then the code is dead.
#[tokio::test]
async fn wrong_pins_lock_the_code() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let offered = speaker.offer(DIPLOMA, json!({ "tx_code": true })).await;
        let pin = offered.pin.as_deref().unwrap();
        let absent = speaker.redeem(&offered.code, &[]).await;
        assert!(is(&absent, 400, "invalid_request"), "{absent:?}");
        let other_name = if draft <= 12 { "tx_code" } else { "user_pin" };
        let misnamed = speaker.redeem(&offered.code, &[(other_name, pin)]).await;
        assert!(is(&misnamed, 400, "invalid_request"), "the draft has no such parameter");
        for _ in 0..world.issuer.config.offer.tx_code_attempts_max {
            let wrong = speaker.redeem(&offered.code, &[(speaker.pin_name(), "x")]).await;
            assert!(is(&wrong, 400, "invalid_grant"));
        }
        let locked = speaker.redeem(&offered.code, &[(speaker.pin_name(), pin)]).await;
        assert!(is(&locked, 400, "invalid_grant"));
    }
}

/// VCI §13.6.1: a code yields one token.
#[tokio::test]
async fn a_code_is_good_once() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let offered = speaker.offer(DIPLOMA, json!({})).await;
        speaker.token(&offered).await;
        assert!(is(&speaker.redeem(&offered.code, &[]).await, 400, "invalid_grant"));
        // Where no client is registered nobody signs in, in no draft either.
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", CLIENT),
        ];
        let place = format!("/draft-{draft}/token");
        let foreign = world.public.post_form(&place, &grant).await;
        assert!(is(&foreign, 400, "unsupported_grant_type"));
    }
}

/// A proof for another draft's identifier, a nonce of another, one that was used, none at all: each is
/// told in the draft's own code, with a nonce for the next try where the draft has that.
#[tokio::test]
async fn a_bad_proof_is_told_with_a_fresh_nonce() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(DIPLOMA).await;
        let key = holder_key();
        let code = if draft <= 9 { "invalid_or_missing_proof" } else { "invalid_proof" };
        let stale = if draft == 15 { "invalid_nonce" } else { code };
        let mut elsewhere = speaker.proof(&key, &nonce);
        elsewhere.claim("aud", json!("https://issuer.example"));
        let foreign = speaker.proof(&key, &world.nonce().await);
        for (proof, code) in [(elsewhere, code), (foreign, stale)] {
            let proof = proof.sign(&key).await;
            let answer = speaker.credential(&token, &speaker.request(DIPLOMA, &proof)).await;
            assert!(is(&answer, 400, code), "{draft}: {answer:?}");
            assert_eq!(answer.json().get("c_nonce").is_some(), draft <= 14);
        }
        let missing = speaker.credential(&token, &speaker.naming(DIPLOMA)).await;
        assert!(is(&missing, 400, code), "{missing:?}");
        let good = speaker.proof(&key, &nonce).sign(&key).await;
        speaker.credential(&token, &speaker.request(DIPLOMA, &good)).await.success();
        let again = speaker.credential(&token, &speaker.request(DIPLOMA, &good)).await;
        assert!(is(&again, 400, stale), "{again:?}");
        if draft <= 14 {
            let nonce = again.json()["c_nonce"].as_str().unwrap().to_owned();
            let next = speaker.proof(&key, &nonce).sign(&key).await;
            speaker.credential(&token, &speaker.request(DIPLOMA, &next)).await.success();
        }
    }
}

/// From draft 10 on a proof says by `typ` what it is.
#[tokio::test]
async fn an_untyped_proof_is_for_the_first_drafts_alone() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, nonce) = speaker.fresh(DIPLOMA).await;
        let key = holder_key();
        let mut proof = speaker.proof(&key, &nonce);
        proof.header("typ", None);
        let proof = proof.sign(&key).await;
        let answer = speaker.credential(&token, &speaker.request(DIPLOMA, &proof)).await;
        assert_eq!(answer.status, if draft <= 9 { 200 } else { 400 }, "{answer:?}");
    }
}

/// A request for what the offer has not, or in another draft's shape.
#[tokio::test]
async fn a_request_must_fit_offer_and_draft() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, _) = speaker.fresh(DIPLOMA).await;
        let request = if draft <= 11 { "invalid_request" } else { "invalid_credential_request" };
        let format = "unsupported_credential_format";
        let kind = "unsupported_credential_type";
        let named = if draft == 8 { "jwt_vc" } else { "jwt_vc_json" };
        let other = json!({
            "format": named,
            "type": "Other",
            "types": ["Other"],
            "credential_definition": { "type": ["VerifiableCredential", "Other"] },
        });
        let late = draft == 15;
        let rows: [(Value, &str); 6] = [
            (json!({}), request),
            (json!({ "format": "vc+sd-jwt", "vct": "x" }), if late { request } else { format }),
            (other, if late { request } else { kind }),
            (json!({ "format": 7 }), request),
            (
                json!({ "credential_configuration_id": CARD }),
                if late { "invalid_credential_request" } else { request },
            ),
            (
                json!({ "credential_configuration_id": DIPLOMA, "format": named }),
                if late { request } else { kind },
            ),
        ];
        for (body, code) in rows {
            let answer = speaker.credential(&token, &body).await;
            let told = error(&answer).1;
            let is_other_type = late && body["credential_configuration_id"] == CARD;
            assert!(told == code || is_other_type, "{draft} {body}: {answer:?}");
            assert!((400..404).contains(&answer.status));
        }
        for body in ["", "[]", "{", "{\"format\":\"x\",\"format\":\"x\"}"] {
            let answer = speaker.post("credential", &token, body).await;
            assert!(is(&answer, 400, request), "{answer:?}");
        }
        let unknown = speaker.post("credential", "nothing", "{").await;
        assert!(is(&unknown, 401, "invalid_token"), "the token comes first: {unknown:?}");
        assert!(unknown.header("www-authenticate").starts_with("Bearer "));
    }
}

/// What is not enabled is not there, and what a draft has no word for is not offered in it.
#[tokio::test]
async fn an_offer_needs_a_draft_that_is_enabled_and_has_a_word_for_it() {
    let world = World::configured(|folder| enable(folder, &[9, 13])).await;
    let thirteen = Speaker { world: &world, draft: 13 };
    let eleven = Speaker { world: &world, draft: 11 };
    let nine = Speaker { world: &world, draft: 9 };
    let told = async |answer: Answer| (answer.status, answer.json()["detail"].to_string());
    let (status, detail) = told(eleven.wish(DIPLOMA, json!({})).await).await;
    assert!(status == 422 && detail.contains("drafts"), "{detail}");
    let (status, detail) = told(nine.wish(CARD, json!({})).await).await;
    assert!(status == 422 && detail.contains("no words for `student_card`"), "{detail}");
    let more = json!({ "grants": "both" });
    assert_ne!(thirteen.wish(DIPLOMA, more).await.status, 201);
    assert_eq!(eleven.redeem("x", &[]).await.status, 404);
    let well_known = "/.well-known/openid-credential-issuer/draft-11";
    assert_eq!(world.public.get(well_known).await.status, 404);
    thirteen.token(&thirteen.offer(CARD, json!({})).await).await;
}

/// An offer whose draft was switched off is not given out in the words of another.
#[tokio::test]
async fn an_offer_ends_with_its_draft() {
    let world = World::configured(|folder| enable(folder, &[13])).await;
    let speaker = Speaker { world: &world, draft: 13 };
    let made = speaker.wish(DIPLOMA, json!({})).await.json();
    let uri = url::Url::parse(made["uri"].as_str().unwrap()).unwrap();
    let (_, place) = uri.query_pairs().next().unwrap();
    let document = world.public.get(&place).await.success();
    assert!(document["grants"][PRE_AUTHORIZED_CODE].is_object());
    let mut later = world.another_issuer(5).await;
    std::sync::Arc::get_mut(&mut later).unwrap().config.legacy.drafts.clear();
    let later = testkit::wire::Wire::new(issuer::http::public(later));
    assert_eq!(later.get(&place).await.status, 404);
    let code = document["grants"][PRE_AUTHORIZED_CODE]["pre-authorized_code"].as_str().unwrap();
    let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code)];
    assert!(is(&later.post_form("/token", &form).await, 400, "invalid_grant"));
}

/// Wallets parse every answer, and those that are web pages read it.
#[tokio::test]
async fn what_is_no_request_is_answered_in_json() {
    let world = world().await;
    let wrong_method = world.public.get("/draft-13/token").await;
    assert!(wrong_method.is(405, "invalid_request"), "{wrong_method:?}");
    let nothing = world.public.get("/draft-16/token").await;
    assert!(nothing.is(404, "not_found"));
    let preflight = axum::http::Request::builder().method("OPTIONS").uri("/draft-13/credential");
    let preflight = preflight.header("origin", "https://wallet.example");
    let preflight = preflight.header("access-control-request-method", "POST");
    let answer = world.public.ask(preflight, "").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{answer:?}");
}

/// What an operator writes is checked before anything is served.
#[test]
fn a_configuration_names_drafts_that_can_be_spoken() {
    let mistake = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bestow.toml");
        std::fs::write(&file, format!("url = \"https://issuer.example\"\n{text}")).unwrap();
        let error = issuer::config::Config::load(&file).unwrap_err();
        format!("{}; {}", error.problem, error.remedy)
    };
    for (text, expected) in [
        ("[legacy]\ndrafts = [\"16\"]", "must be one of 8, 9, 10, 11, 12, 13, 14, 15"),
        ("[legacy]\ndrafts = [\"11\", \"10\"]", "draft 11 is named twice"),
        ("[legacy]\ndrafts = [13]", "the number of a draft in quotes, as in \"13\""),
        ("[legacy]\ndrafts = \"13\"", "a list of drafts, as in drafts = [\"13\"]"),
        ("[legacy]\ndrafts = [\"13\"]\nportal = \"14\"", "write drafts = [\"14\"] beside it"),
        ("[legacy]\ndrafts = [\"13\"]\n[encryption]\nrequest = \"required\"", "allows no drafts"),
        ("[legacy]\nshared = true\n[encryption]\nrequest = \"required\"", "kept by 1.0 alone"),
        ("[legacy]\nshared = true\n[encryption]\nresponse = \"required\"", "kept by 1.0 alone"),
        (
            "[legacy]\ndrafts = [\"11\", \"13\"]\n[encryption]\nresponse = \"required\"",
            "leave drafts before 12 out",
        ),
    ] {
        let told = mistake(text);
        assert!(told.contains(expected), "{told}");
    }
}

//! Steps 13-18 over the router: every refusal of the Credential Endpoint, and what it costs (VCI §8.3.1).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use keys::outside::Clock as _;
use keys::signer::Signer as _;
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::wire::{Answer, FORM, JSON};
use testkit::world::World;
use tokio::task::JoinSet;

const CARD: &str = "student_card";
const TICKET: &str = "course_ticket";

/// Sends a body as it is, with these headers.
async fn send(
    world: &World,
    headers: &[(&str, &str)],
    query: &str,
    body: impl Into<Vec<u8>>,
) -> Answer {
    let mut begun = Request::post(format!("/credential{query}"));
    for (name, value) in headers {
        begun = begun.header(*name, *value);
    }
    world.public.ask(begun, body.into()).await
}

/// D02, CRED-50: 401 with a challenge; a request without a token learns no error code from it
/// (RFC 6750 §3.1).
#[tokio::test]
async fn a_request_without_a_good_token_is_challenged() {
    let world = World::new().await;
    let token = world.token(TICKET).await;
    let body = json!({ "credential_configuration_id": TICKET }).to_string();
    let bare = send(&world, &[("content-type", JSON)], "", body.clone()).await;
    assert!(bare.is(401, "invalid_token"));
    let schemes = r#"Bearer, DPoP algs="ES256 EdDSA ES384 ES512 ES256K""#;
    assert_eq!(bare.header("www-authenticate"), schemes);
    let other_offer = world.offer(TICKET, &json!({})).await.code;
    let rows = [
        ("garbage", "Bearer garbage".to_owned()),
        ("empty", "Bearer ".to_owned()),
        ("no scheme", token.clone()),
        ("basic", format!("Basic {token}")),
        ("a code for a token", format!("Bearer {other_offer}")),
        ("cut", format!("Bearer {}", &token[1..])),
        ("spoilt", format!("Bearer {}A", &token[..token.len() - 1])),
        ("two tokens in one", format!("Bearer {token} {token}")),
    ];
    for (row, value) in rows {
        let headers = [(AUTHORIZATION.as_str(), value.as_str()), (CONTENT_TYPE.as_str(), JSON)];
        let answer = send(&world, &headers, "", body.clone()).await;
        assert!(answer.is(401, "invalid_token"), "{row}: {answer:?}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with(r#"Bearer error="invalid_token""#), "{row}: {challenge}");
    }
    let good = format!("bEARER {token}");
    let twice =
        [("authorization", good.as_str()), ("authorization", &good), ("content-type", JSON)];
    assert!(send(&world, &twice, "", body.clone()).await.is(401, "invalid_token"), "two headers");
    send(&world, &twice[1..], "", body).await.success(); // CRED-02: the scheme in any case
}

/// D01, RFC 6750 §2.3: in the query or the body a token would be logged; it is not honoured there.
#[tokio::test]
async fn a_token_belongs_into_the_header() {
    let world = World::new().await;
    let token = world.token(TICKET).await;
    let body = json!({ "credential_configuration_id": TICKET, "access_token": token }).to_string();
    let query = format!("?access_token={token}");
    let good = format!("Bearer {token}");
    let with = [("authorization", good.as_str()), ("content-type", JSON)];
    let in_query = send(&world, &with[1..], &query, body.clone()).await;
    assert!(in_query.is(400, "invalid_request"), "{in_query:?}");
    let both = send(&world, &with, &query, body.clone()).await;
    assert!(both.is(400, "invalid_request"), "{both:?}");
    assert!(both.header("www-authenticate").starts_with("Bearer error="), "RFC 6750 §3");
    let in_body = send(&world, &with[1..], "", body.clone()).await;
    assert!(in_body.is(401, "invalid_token"), "{in_body:?}");
    let form = format!("access_token={token}");
    let in_form = send(&world, &[("content-type", FORM)], "", form).await;
    assert!(in_form.is(401, "invalid_token"), "{in_form:?}");
    send(&world, &with, "", body).await.success();
}

/// G01 to G07: what is wrong with a good request, its body, and the code of the refusal.
fn bad_bodies(good: &Value) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = good.to_string();
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body.to_string().into_bytes()
    };
    let named = |name: &str, value: Value| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove("credential_configuration_id");
        body[name] = value;
        body.to_string().into_bytes()
    };
    let doubled = |member: &str| text.replacen('{', &format!("{{{member},"), 1).into_bytes();
    let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let escaped = r#""\u0063redential_configuration_id":"diploma""#;
    let malformed = "invalid_credential_request";
    vec![
        ("empty", vec![], malformed),
        ("no JSON", b"x".to_vec(), malformed),
        ("a list", b"[]".to_vec(), malformed),
        ("more after it", [text.as_bytes(), b"{}"].concat(), malformed),
        ("G07: not UTF-8", b"{\"x\":\"\xff\"}".to_vec(), malformed),
        ("G07: a lone surrogate", br#"{"x":"\ud800"}"#.to_vec(), malformed),
        ("G07: a byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat(), malformed),
        ("G05: deep", deep.into_bytes(), malformed),
        ("G05: large", with("x", json!("x".repeat(300_000))), malformed),
        ("G05: huge", with("x", json!("x".repeat(3_000_000))), malformed),
        ("G03: twice", doubled(r#""credential_configuration_id":"diploma""#), malformed),
        ("G03: twice, once escaped", doubled(escaped), malformed),
        ("G03: twice inside", doubled(r#""x":{"a":1,"a":2}"#), malformed),
        ("G03: twice, unknown", doubled(r#""x":1,"x":2"#), malformed),
        ("G01: no selector", named("x", json!(1)), malformed),
        ("G01: both, CRED-05", with("credential_identifier", json!("student_card#1")), malformed),
        ("a number for a name", named("credential_configuration_id", json!(1)), malformed),
        ("an object for a name", named("credential_identifier", json!({})), malformed),
        (
            "G02, CRED-55",
            named("credential_configuration_id", json!("nobody")),
            "unknown_credential_configuration",
        ),
        (
            "G02, CRED-56, CRED-03",
            named("credential_identifier", json!("student_card#1")),
            "unknown_credential_identifier",
        ),
        (
            "H02, CRED-60",
            with("credential_response_encryption", json!({ "jwk": {}, "enc": "A128GCM" })),
            "invalid_encryption_parameters",
        ),
    ]
}

/// CRED-51, CRED-52, CRED-53, CRED-54, CRED-55, CRED-56
#[tokio::test]
async fn a_refused_request_spends_nothing() {
    let world = World::new().await;
    let (token, key, nonce) = (world.token(CARD).await, holder_key(), world.nonce().await);
    let mut good = request(CARD, &[world.draft(&key, &nonce).sign(&key).await]);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    for (row, body, error) in bad_bodies(&good) {
        let answer = send(&world, &headers, "", body).await;
        assert!(answer.is(400, error), "{row}: {answer:?}");
    }
    good["unknown"] = json!([{}]); // G04, CRED-20
    send(&world, &headers, "", good.to_string()).await.success();
}

/// G06, CRED-19
#[tokio::test]
async fn a_request_says_that_it_is_json() {
    let world = World::new().await;
    let bearer = format!("Bearer {}", world.token(TICKET).await);
    let body = json!({ "credential_configuration_id": TICKET }).to_string();
    for wrong in ["text/plain", "application/jose", "application/jsonx", ""] {
        let headers = [("authorization", bearer.as_str()), ("content-type", wrong)];
        let answer = send(&world, &headers, "", body.clone()).await;
        assert!(answer.is(400, "invalid_credential_request"), "{wrong}: {answer:?}");
    }
    let charset = "Application/JSON; charset=UTF-8";
    let headers = [("authorization", bearer.as_str()), ("content-type", charset)];
    send(&world, &headers, "", body).await.success();
}

/// B11, CRED-07: known, but not what the token is for.
#[tokio::test]
async fn a_token_is_good_for_its_offer_alone() {
    let world = World::new().await;
    let token = world.token(TICKET).await;
    let proof = world.proof(&holder_key()).await;
    let answer = world.credential(&token, "diploma", &[proof]).await;
    assert!(answer.is(403, "insufficient_scope"), "{answer:?}");
    assert!(answer.header("www-authenticate").starts_with(r#"Bearer error="insufficient_scope""#));
    let body = json!({ "credential_configuration_id": TICKET });
    world.credential_request(&token, &body).await.success();
}

/// D02, SEC-30: the last second of a token is good, the next one is not.
#[tokio::test]
async fn a_token_expires_to_the_second() {
    for (seconds, status) in [(299, 200), (300, 401)] {
        let world = World::new().await;
        let token = world.token(TICKET).await;
        world.clock.advance(seconds);
        let body = json!({ "credential_configuration_id": TICKET });
        assert_eq!(world.credential_request(&token, &body).await.status, status, "{seconds} s");
    }
}

/// CRED-22, IMPL-03, CRED-61: ever again for the same keys, not for ever new ones.
#[tokio::test]
async fn a_token_gives_credentials_for_so_many_keys_and_no_more() {
    let world = World::with(|issuer| issuer.config.offer.credentials_per_offer = 2).await;
    let token = world.token(CARD).await;
    let ask = async |key| {
        let proof = world.proof(key).await;
        world.credential(&token, CARD, &[proof]).await
    };
    let keys = [holder_key(), holder_key(), holder_key()];
    ask(&keys[0]).await.success();
    ask(&keys[1]).await.success();
    assert!(ask(&keys[2]).await.is(400, "credential_request_denied"));
    ask(&keys[0]).await.success();
    ask(&keys[1]).await.success();
    assert!(ask(&holder_key()).await.is(400, "credential_request_denied"));
}

/// The same with all of them at once.
#[tokio::test(flavor = "multi_thread")]
async fn racing_requests_get_no_more_keys_than_allowed() {
    let world = Arc::new(World::with(|issuer| issuer.config.offer.credentials_per_offer = 3).await);
    let token = world.token(CARD).await;
    let mut racers = JoinSet::new();
    for _ in 0..30 {
        let (world, token) = (Arc::clone(&world), token.clone());
        racers.spawn(async move {
            let proof = world.proof(&holder_key()).await;
            world.credential(&token, CARD, &[proof]).await
        });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3);
    let refused = answers.iter().filter(|answer| answer.status != 200);
    assert!({ refused }.all(|answer| answer.is(400, "credential_request_denied")));
}

/// X31: a Wallet whose answer was lost asks again, even many times at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_is_answered_again() {
    let world = Arc::new(World::new().await);
    let (token, key) = (world.token(CARD).await, Arc::new(holder_key()));
    let mut racers = JoinSet::new();
    for _ in 0..5 {
        let (world, token, key) = (Arc::clone(&world), token.clone(), Arc::clone(&key));
        racers.spawn(async move {
            let proof = world.proof(&key).await;
            world.credential(&token, CARD, &[proof]).await
        });
    }
    assert!(racers.join_all().await.iter().all(|answer| answer.status == 200));
}

/// CRED-34, CRED-35, CRED-36, CRED-44, GEN-05: one for each key, in the order of the proofs.
#[tokio::test]
async fn each_key_gets_a_credential_of_its_own() {
    let world = World::new().await;
    let (token, keys) = (world.token(CARD).await, [holder_key(), holder_key()]);
    let proofs = [world.proof(&keys[0]).await, world.proof(&keys[1]).await];
    let answer = world.credential(&token, CARD, &proofs).await.success();
    let names: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(names, ["credentials", "notification_id"]);
    let issued = answer["credentials"].as_array().unwrap();
    let texts: Vec<&str> = issued.iter().map(|one| one["credential"].as_str().unwrap()).collect();
    let now = world.clock.now();
    for (text, key) in texts.iter().zip(&keys) {
        let unverified = formats::parse("dc+sd-jwt", &json!(text)).unwrap();
        let keys = world.issuer.keys();
        let signer = keys.signing.signer.public_key();
        let verified = unverified.verify(signer, now).unwrap();
        let Some(formats::binding::Binding::Jwk(bound)) = verified.binding else { panic!() };
        assert_eq!(bound.thumbprint(), key.public_key().thumbprint());
    }
    let disclosures =
        texts.iter().flat_map(|text| text.split('~').skip(1)).filter(|d| !d.is_empty());
    let all: Vec<&str> = disclosures.collect();
    let distinct: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "I24: no salt twice");
}

/// IMPL-01, IMPL-02, CRED-09: a proof that nobody asked for is not looked at.
#[tokio::test]
async fn a_ticket_needs_no_proof() {
    let world = World::new().await;
    let token = world.token(TICKET).await;
    let plain = json!({ "credential_configuration_id": TICKET });
    for body in [plain, request(TICKET, &["nonsense".to_owned()])] {
        let answer = world.credential_request(&token, &body).await.success();
        let credential = answer["credentials"][0]["credential"].as_str().unwrap();
        let unverified = formats::parse("dc+sd-jwt", &json!(credential)).unwrap();
        let keys = world.issuer.keys();
        let signer = keys.signing.signer.public_key();
        assert!(unverified.verify(signer, world.clock.now()).unwrap().binding.is_none());
    }
}

/// An offer taken back takes its token along, at any time before the first credential.
#[tokio::test]
async fn a_withdrawn_offer_ends_its_token() {
    let world = World::new().await;
    let offered = world.offer(TICKET, &json!({})).await;
    let token = world.redeem(&offered.code, &[]).await.success();
    let path = format!("/admin/v1/offers/{}", offered.id);
    assert_eq!(world.operator("DELETE", &path, None).await.status, 204);
    let body = json!({ "credential_configuration_id": TICKET });
    let answer = world.credential_request(token["access_token"].as_str().unwrap(), &body).await;
    assert!(answer.is(401, "invalid_token"), "{answer:?}");
}

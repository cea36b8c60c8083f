//! Nonces in DPoP proofs, where the operator asks for them (RFC 9449 §8).

mod bound;

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use bound::{code, ticket, use_token};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::json;
use testkit::proof::holder_key;
use testkit::wire::FORM;
use testkit::world::World;

fn with_nonces(issuer: &mut issuer::Issuer) {
    issuer.config.dpop.nonce_required = true;
}

/// RFC 9449 §8, RFC 9449 §9: a proof without a nonce gets one; a Wallet with a wrong clock succeeds
/// (D09).
#[tokio::test]
async fn a_nonce_is_demanded_where_it_is_required() {
    let world = World::with(with_nonces).await;
    let (code, key) = (code(&world).await, holder_key());
    let first = world.redeem_bound(&code, &key).await;
    assert!(first.is(400, "use_dpop_nonce"), "{first:?}");
    let nonce = first.header("dpop-nonce").to_owned();
    let mut draft = world.dpop(&key, "token", None);
    draft.claim("nonce", json!("foreign"));
    let foreign = world.redeem_as(&code, &[("DPoP", &draft.sign(&key).await)], &[]).await;
    assert!(foreign.is(400, "use_dpop_nonce") && !foreign.header("dpop-nonce").is_empty());
    draft.claim("nonce", json!(nonce));
    draft.claim("iat", json!(1));
    let answer = world.redeem_as(&code, &[("DPoP", &draft.sign(&key).await)], &[]).await;
    let next = answer.header("dpop-nonce").to_owned();
    assert!(!next.is_empty() && next != nonce, "RFC 9449 §8.2");
    let token = answer.success()["access_token"].as_str().unwrap().to_owned();
    let without = use_token(&world, &token, &key).await;
    assert!(without.is(401, "use_dpop_nonce"));
    assert!(without.header("www-authenticate").contains(r#"error="use_dpop_nonce""#));
    let mut draft = world.dpop(&key, "credential", Some(&token));
    draft.claim("nonce", json!(next));
    let proof = draft.sign(&key).await;
    world.clock.advance(301);
    let scheme = format!("DPoP {token}");
    let headers = [("authorization", scheme.as_str()), ("DPoP", &proof)];
    let late = world.credential_as(&headers, &ticket()).await;
    assert!(late.is(401, "use_dpop_nonce"), "a nonce dies: {late:?}");
    let from_nonce_endpoint = world.public.ask(Request::post("/nonce"), "").await;
    assert!(!from_nonce_endpoint.header("dpop-nonce").is_empty(), "HAIP-05, NONCE-07");
}

/// P08: whoever asks for its first nonce has guessed nothing, and need not wait.
#[tokio::test]
async fn a_demand_for_a_nonce_is_no_failure() {
    let world = World::with(|issuer| {
        with_nonces(issuer);
        issuer.config.server.failures_per_minute = 2;
    })
    .await;
    let (code, key) = (code(&world).await, holder_key());
    let form = format!("grant_type={PRE_AUTHORIZED_CODE}&pre-authorized_code={code}");
    for _ in 0..10 {
        let proof = world.dpop(&key, "token", None).sign(&key).await;
        let begun = Request::post("/token").header(CONTENT_TYPE, FORM).header("DPoP", proof);
        let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711)));
        let answer = world.public.ask(begun.extension(peer), form.clone()).await;
        assert!(answer.is(400, "use_dpop_nonce"), "{answer:?}");
    }
}

/// Wallets that are web pages may send and read what DPoP needs.
#[tokio::test]
async fn a_page_may_send_proofs_and_read_nonces() {
    let world = World::with(with_nonces).await;
    let preflight = Request::options("/token").header("origin", "https://wallet.example");
    let preflight = world.public.ask(preflight, "").await;
    let allowed = preflight.header("access-control-allow-headers");
    for name in ["dpop", "oauth-client-attestation", "oauth-client-attestation-pop"] {
        assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}: {allowed}");
    }
    let refused = world.redeem_bound(&code(&world).await, &holder_key()).await;
    let exposed = refused.header("access-control-expose-headers");
    for name in ["dpop-nonce", "oauth-client-attestation-challenge", "www-authenticate"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}: {exposed}");
    }
}

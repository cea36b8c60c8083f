//! RFC 9449 over the router: tokens that only the Wallet's key can use, and what each mistake costs.

mod bound;

use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, HOST};
use bound::{TICKET, code, ticket, use_token};
use issuer::config::Algorithms;
use issuer::credential_type::Approval;
use keys::algorithm::Algorithm;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::{Draft, holder_key};
use testkit::wire::{Answer, FORM, JSON};
use testkit::world::World;

const CARD: &str = "student_card";

/// RFC 9449 §5, RFC 9449 §7.1, DEP-06: the whole way of a bound token.
#[tokio::test]
async fn a_token_is_bound_to_the_key_that_was_proved() {
    let world = World::new().await;
    let key = holder_key();
    let token = world.bound_token(CARD, &key).await;
    let holder = holder_key();
    let proofs = [world.proof(&holder).await];
    let proof = world.dpop(&key, "credential", Some(&token)).sign(&key).await;
    let scheme = format!("DPoP {token}");
    let headers = [("authorization", scheme.as_str()), ("DPoP", &proof)];
    let answer = world.credential_as(&headers, &request(CARD, &proofs)).await;
    assert!(!answer.header("dpop-nonce").is_empty(), "RFC 9449 §8.2");
    answer.success();
}

/// D03, DEP-06: no way down, none up.
#[tokio::test]
async fn a_bound_token_is_no_bearer_token_nor_the_reverse() {
    let world = World::new().await;
    let key = holder_key();
    let bound = world.bound_token(TICKET, &key).await;
    let down = world.credential_request(&bound, &ticket()).await;
    assert!(down.is(401, "invalid_token"));
    assert!(down.header("www-authenticate").starts_with(r#"DPoP error="invalid_token""#));
    let proof = world.dpop(&key, "credential", Some(&bound)).sign(&key).await;
    let bearer = format!("Bearer {bound}");
    let headers = [("authorization", bearer.as_str()), ("DPoP", &proof)];
    let both = world.credential_as(&headers, &ticket()).await;
    assert!(both.is(401, "invalid_token"), "a proof beside it changes nothing");
    let unbound = world.token(TICKET).await;
    let up = use_token(&world, &unbound, &key).await;
    assert!(up.is(401, "invalid_token"));
    let other = use_token(&world, &bound, &holder_key()).await;
    assert!(other.is(401, "invalid_token"), "D04");
    use_token(&world, &bound, &key).await.success();
    world.credential_request(&unbound, &ticket()).await.success();
}

/// Spoils a proof that is good.
type Spoil = fn(&mut Draft);

/// RFC 9449 §4.3, catalogue D06 to D11: each is refused, spends nothing, and the good one passes.
const BAD: [(&str, Spoil); 14] = [
    ("D07: another method", |draft| draft.claim("htm", json!("post"))),
    ("no method", |draft| draft.claim("htm", None)),
    ("D07: another address", |draft| draft.claim("htu", json!("https://issuer.example/nonce"))),
    ("D07: another host", |draft| draft.claim("htu", json!("https://evil.example/token"))),
    ("no address", |draft| draft.claim("htu", None)),
    ("D06: a long jti", |draft| draft.claim("jti", json!("x".repeat(257)))),
    ("no jti", |draft| draft.claim("jti", None)),
    ("no time", |draft| draft.claim("iat", None)),
    ("D09: too old", |draft| draft.claim("iat", json!(1_795_435_200_u64 - 61))),
    ("D09: too new", |draft| draft.claim("iat", json!(1_795_435_200_u64 + 61))),
    ("another type", |draft| draft.header("typ", json!("JWT"))),
    ("D10: no algorithm", |draft| draft.header("alg", json!("none"))),
    ("D10: a symmetric one", |draft| draft.header("alg", json!("HS256"))),
    ("no key", |draft| draft.header("jwk", None)),
];

#[tokio::test]
async fn a_bad_proof_spends_nothing() {
    let world = World::new().await;
    let (code, key) = (code(&world).await, holder_key());
    for (rule, spoil) in BAD {
        let mut draft = world.dpop(&key, "token", None);
        spoil(&mut draft);
        let proof = draft.sign(&key).await;
        let answer = world.redeem_as(&code, &[("DPoP", &proof)], &[]).await;
        assert!(answer.is(400, "invalid_dpop_proof"), "{rule}: {answer:?}");
        assert_eq!(answer.header("www-authenticate"), "", "TOKEN-22");
    }
    let good = world.dpop(&key, "token", None);
    let by_other = good.sign(&holder_key()).await;
    let mut private = good.clone();
    let mut jwk = Value::Object(key.public_key().to_jwk());
    jwk["d"] = json!("AAAA");
    private.header("jwk", jwk);
    let private = private.sign(&key).await;
    for (rule, proof) in [("a signature", &*by_other), ("D10: a private key", &private), ("", "x")]
    {
        let answer = world.redeem_as(&code, &[("DPoP", proof)], &[]).await;
        assert!(answer.is(400, "invalid_dpop_proof"), "{rule}: {answer:?}");
    }
    let good = good.sign(&key).await;
    let twice = world.redeem_as(&code, &[("DPoP", &good), ("DPoP", &good)], &[]).await;
    assert!(twice.is(400, "invalid_dpop_proof"), "D11");
    world.redeem_as(&code, &[("dpop", &good)], &[]).await.success();
}

/// D08, RFC 9449 §7.1: the same at the Credential Endpoint, each with its challenge.
#[tokio::test]
async fn a_bad_proof_beside_a_token_is_challenged() {
    let world = World::new().await;
    let key = holder_key();
    let token = world.bound_token(TICKET, &key).await;
    let scheme = format!("DPoP {token}");
    let good = world.dpop(&key, "credential", Some(&token));
    let mut cases = vec![
        ("D08: for no token", world.dpop(&key, "credential", None)),
        ("D08: for another token", world.dpop(&key, "credential", Some("another"))),
        ("D07: for another endpoint", world.dpop(&key, "token", Some(&token))),
    ];
    let mut old = good.clone();
    old.claim("iat", json!(1));
    cases.push(("D09", old));
    for (rule, draft) in cases {
        let proof = draft.sign(&key).await;
        let headers = [("authorization", scheme.as_str()), ("DPoP", &proof)];
        let answer = world.credential_as(&headers, &ticket()).await;
        assert!(answer.is(401, "invalid_dpop_proof"), "{rule}: {answer:?}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with(r#"DPoP error="invalid_dpop_proof""#), "{rule}: {challenge}");
        assert!(
            challenge.ends_with(r#"algs="ES256 EdDSA ES384 ES512 ES256K""#),
            "RFC 9449 §7.1: {challenge}"
        );
    }
    let missing = world.credential_as(&[("authorization", &scheme)], &ticket()).await;
    assert!(missing.is(401, "invalid_dpop_proof"), "RFC 9449 §7.1: no proof");
    let bare = world.credential_as(&[], &ticket()).await;
    assert!(bare.is(401, "invalid_token"));
    let both = r#"Bearer, DPoP algs="ES256 EdDSA ES384 ES512 ES256K""#;
    assert_eq!(bare.header("www-authenticate"), both, "who sent no token learns every scheme");
    use_token(&world, &token, &key).await.success();
}

/// RFC 9449 §11.1, D05: a proof comes once, on all nodes, at each endpoint.
#[tokio::test]
async fn a_proof_comes_once() {
    let world = World::new().await;
    let key = holder_key();
    let (first, second) = (code(&world).await, code(&world).await);
    let proof = world.dpop(&key, "token", None).sign(&key).await;
    let answer = world.redeem_as(&first, &[("DPoP", &proof)], &[]).await.success();
    let node = world.another_node(7).await;
    let form = format!("grant_type={PRE_AUTHORIZED_CODE}&pre-authorized_code={second}");
    let begun = Request::post("/token").header(CONTENT_TYPE, FORM).header("DPoP", &proof);
    let replayed = node.ask(begun, form).await;
    assert!(replayed.is(400, "invalid_dpop_proof"), "{replayed:?}");
    let again = world.redeem_as(&first, &[("DPoP", &proof)], &[]).await;
    assert!(again.is(400, "invalid_dpop_proof"), "the very same request");
    world.redeem_bound(&second, &key).await.success();

    let token = answer["access_token"].as_str().unwrap();
    let proof = world.dpop(&key, "credential", Some(token)).sign(&key).await;
    let scheme = format!("DPoP {token}");
    let headers = [("authorization", scheme.as_str()), ("DPoP", &proof)];
    let refused = world.credential_as(&headers, &json!({ "credential_identifier": "?" })).await;
    assert!(refused.is(400, "unknown_credential_identifier"));
    world.credential_as(&headers, &ticket()).await.success();
    let replayed = world.credential_as(&headers, &ticket()).await;
    assert!(replayed.is(401, "invalid_dpop_proof"), "{replayed:?}");
    use_token(&world, token, &key).await.success();
}

/// A request with a bound token to another endpoint than the credential's.
async fn ask(world: &World, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let begun = Request::post(format!("/{path}")).header(CONTENT_TYPE, JSON);
    let begun = headers.iter().fold(begun, |begun, (name, value)| begun.header(*name, *value));
    world.public.ask(begun, body.to_string()).await
}

/// RFC 9449 §7.1, D03, D05: what holds at the Credential Endpoint holds where its token goes later.
#[tokio::test]
async fn a_bound_token_is_bound_at_every_endpoint() {
    let world = World::with(|issuer| {
        issuer.types.get_mut(CARD).unwrap().approval = Approval::Deferred;
    })
    .await;
    let key = holder_key();
    let (first, second) = (code(&world).await, world.offer(CARD, &json!({})).await.code);
    let told = world.redeem_bound(&first, &key).await.success();
    let waits = world.redeem_bound(&second, &key).await.success();
    let text = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
    let (told, waits) = (text(&told, "access_token"), text(&waits, "access_token"));
    let id = text(&use_token(&world, &told, &key).await.success(), "notification_id");
    let proof = world.dpop(&key, "credential", Some(&waits)).sign(&key).await;
    let scheme = format!("DPoP {waits}");
    let headers = [("authorization", scheme.as_str()), ("DPoP", &proof)];
    let holder = world.proof(&holder_key()).await;
    let answer = world.credential_as(&headers, &request(CARD, &[holder])).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let event = json!({ "notification_id": id, "event": "credential_accepted" });
    let again = json!({ "transaction_id": text(&answer.json(), "transaction_id") });
    for (path, token, body, status) in
        [("notification", &told, &event, 204), ("deferred-credential", &waits, &again, 202)]
    {
        let scheme = format!("DPoP {token}");
        let bearer = format!("Bearer {token}");
        let other_key = holder_key();
        let good = world.dpop(&key, path, Some(token)).sign(&key).await;
        let elsewhere = world.dpop(&key, "credential", Some(token)).sign(&key).await;
        let no_ath = world.dpop(&key, path, None).sign(&key).await;
        let foreign = world.dpop(&other_key, path, Some(token)).sign(&other_key).await;
        for (rule, scheme, proof, error) in [
            ("no proof", &scheme, None, "invalid_dpop_proof"),
            ("as a bearer token", &bearer, Some(&good), "invalid_token"),
            ("as a bearer token, alone", &bearer, None, "invalid_token"),
            ("for another endpoint", &scheme, Some(&elsewhere), "invalid_dpop_proof"),
            ("for no token", &scheme, Some(&no_ath), "invalid_dpop_proof"),
            ("of another key", &scheme, Some(&foreign), "invalid_token"),
        ] {
            let mut headers = vec![("authorization", scheme.as_str())];
            headers.extend(proof.map(|proof| ("DPoP", proof.as_str())));
            let answer = ask(&world, path, &headers, body).await;
            assert!(answer.is(401, error), "{path}, {rule}: {answer:?}");
        }
        let headers = [("authorization", scheme.as_str()), ("DPoP", &good)];
        let answer = ask(&world, path, &headers, body).await;
        assert_eq!(answer.status, status, "nothing of it cost anything: {answer:?}");
        let answer = ask(&world, path, &headers, body).await;
        assert!(answer.is(401, "invalid_dpop_proof"), "{path}: a proof comes once: {answer:?}");
    }
}

/// HAIP-05: an operator may give out nothing but bound tokens.
#[tokio::test]
async fn a_proof_may_be_required() {
    let world = World::with(|issuer| issuer.config.dpop.required = true).await;
    let code = code(&world).await;
    assert!(world.redeem(&code, &[]).await.is(400, "invalid_dpop_proof"));
    let bare = world.credential_as(&[], &ticket()).await;
    assert_eq!(bare.header("www-authenticate"), r#"DPoP algs="ES256 EdDSA ES384 ES512 ES256K""#);
    world.redeem_bound(&code, &holder_key()).await.success();
}

/// Where the operator switched it off, nothing is bound and nothing is announced.
#[tokio::test]
async fn a_proof_is_not_looked_at_where_dpop_is_off() {
    let off = |issuer: &mut issuer::Issuer| {
        issuer.config.dpop.signing_alg_values_supported = Algorithms::from(&[][..]);
    };
    let world = World::with(off).await;
    let metadata = world.public.get("/.well-known/oauth-authorization-server").await.json();
    assert!(metadata.get("dpop_signing_alg_values_supported").is_none());
    let (code, key) = (code(&world).await, holder_key());
    let answer = world.redeem_bound(&code, &key).await;
    assert_eq!(answer.header("dpop-nonce"), "");
    let answer = answer.success();
    assert_eq!(answer["token_type"], "Bearer");
    let token = answer["access_token"].as_str().unwrap();
    let bound = use_token(&world, token, &key).await;
    assert!(bound.is(401, "invalid_token"));
    assert!(bound.header("www-authenticate").starts_with("Bearer "));
    world.credential_request(token, &ticket()).await.success();
}

/// RFC 9449 §5.1: what is announced is what is taken.
#[tokio::test]
async fn the_algorithms_are_announced() {
    let only = |issuer: &mut issuer::Issuer| {
        let algorithms = Algorithms::from(&[Algorithm::EdDsa][..]);
        issuer.config.dpop.signing_alg_values_supported = algorithms;
    };
    let world = World::with(only).await;
    let metadata = world.public.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["EdDSA"]));
    let code = code(&world).await;
    assert!(world.redeem_bound(&code, &holder_key()).await.is(400, "invalid_dpop_proof"));
    let key = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    world.redeem_bound(&code, &key).await.success();
}

/// D07, G09: behind a proxy, below a path, whatever the request calls us.
#[tokio::test]
async fn the_address_is_the_configured_one() {
    let world = World::at("https://issuer.example/a/b", |_| {}).await;
    let (code, key) = (code(&world).await, holder_key());
    let form = format!("grant_type={PRE_AUTHORIZED_CODE}&pre-authorized_code={code}");
    let ask = async |htu: &str| {
        let mut draft = world.dpop(&key, "token", None);
        draft.claim("htu", json!(htu));
        let begun = Request::post("/a/b/token").header(HOST, "internal:8080");
        let begun = begun.header(CONTENT_TYPE, FORM).header("DPoP", draft.sign(&key).await);
        world.public.ask(begun, form.clone()).await
    };
    let internal = ask("http://internal:8080/a/b/token").await;
    assert!(internal.is(400, "invalid_dpop_proof"), "{internal:?}");
    ask("https://issuer.example:443/a/b/token?x=1#y").await.success();
}

/// VCI §13.10, SEC-30: only a bound token may live longer.
#[tokio::test]
async fn a_bound_token_has_a_life_of_its_own() {
    let longer = |issuer: &mut issuer::Issuer| issuer.config.token.dpop_expires_in = 3_600;
    let world = World::with(longer).await;
    let key = holder_key();
    let answer = world.redeem_bound(&code(&world).await, &key).await.success();
    assert_eq!(answer["expires_in"], 3_600);
    let bearer = world.redeem(&code(&world).await, &[]).await.success();
    assert_eq!(bearer["expires_in"], 300);
    world.clock.advance(3_599);
    let token = answer["access_token"].as_str().unwrap();
    use_token(&world, token, &key).await.success();
    world.clock.advance(1);
    assert!(use_token(&world, token, &key).await.is(401, "invalid_token"));
}

/// A wrong proof of a key does not make a wrong Transaction Code cheaper, nor dearer.
#[tokio::test]
async fn a_wrong_tx_code_counts_for_bound_tokens_too() {
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({ "tx_code": true })).await;
    let (key, right) = (holder_key(), offered.tx_code.clone().unwrap());
    let guess = async |tx_code: &str| {
        let proof = world.dpop(&key, "token", None).sign(&key).await;
        world.redeem_as(&offered.code, &[("DPoP", &proof)], &[("tx_code", tx_code)]).await
    };
    let wrong = if right == "000000" { "000001" } else { "000000" };
    assert!(guess(wrong).await.is(400, "invalid_grant"));
    assert_eq!(world.standing(&offered).await["wrong_tx_codes"], 1);
    guess(&right).await.success();
}

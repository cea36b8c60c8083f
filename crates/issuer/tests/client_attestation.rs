//! VCI §E over the router: Wallets that somebody trusted vouches for, and those that nobody does.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;

use axum::http::Request;
use issuer::Issuer;
use keys::algorithm::Algorithm;
use keys::outside::Clock as _;
use oid4vci::attestation::Attesters;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::proof::{Draft, holder_key};
use testkit::sender::{CLIENT, Instance};
use testkit::wire::{Answer, FORM};
use testkit::world::World;

const TICKET: &str = "course_ticket";
const ATTESTATION: &str = "OAuth-Client-Attestation";
const POP: &str = "OAuth-Client-Attestation-PoP";
const CHALLENGE: &str = "oauth-client-attestation-challenge";

/// An issuer that trusts the provider of this instance.
async fn world(instance: &Instance, change: impl FnOnce(&mut Issuer)) -> World {
    World::with(|issuer| {
        issuer.client_attesters = Some(instance.attesters());
        change(issuer);
    })
    .await
}

async fn required(instance: &Instance) -> World {
    world(instance, |issuer| issuer.config.authorization.client_attestation_required = true).await
}

async fn code(world: &World) -> String {
    world.offer(TICKET, &json!({})).await.code
}

async fn challenge(world: &World) -> String {
    let answer = world.public.ask(Request::post("/challenge"), "").await.success();
    answer["attestation_challenge"].as_str().unwrap().to_owned()
}

/// Both JWTs, not yet signed, with a fresh challenge.
async fn drafts(world: &World, instance: &Instance) -> (Draft, Draft) {
    let (now, challenge) = (world.clock.now().0, challenge(world).await);
    let server = world.issuer.credential_issuer();
    (instance.attestation(now), instance.pop(server, now, Some(&challenge)))
}

async fn sign(instance: &Instance, (attestation, pop): &(Draft, Draft)) -> (String, String) {
    (attestation.sign(&instance.provider).await, pop.sign(&instance.key).await)
}

async fn send(world: &World, code: &str, (attestation, pop): &(String, String)) -> Answer {
    world.redeem_as(code, &[(ATTESTATION, attestation), (POP, pop)], &[]).await
}

/// WALATT-01, WALATT-08, WALATT-10: an attested Wallet gets its token, and is who it is.
#[tokio::test]
async fn an_attested_wallet_gets_a_token() {
    let instance = Instance::default();
    let world = required(&instance).await;
    let code = code(&world).await;
    assert!(world.redeem(&code, &[]).await.is(400, "invalid_client"), "B12: nobody vouches");
    assert!(world.redeem(&code, &[("client_id", CLIENT)]).await.is(400, "invalid_client"));
    let jwts = sign(&instance, &drafts(&world, &instance).await).await;
    let headers = [(ATTESTATION, &*jwts.0), (POP, &*jwts.1)];
    let other = world.redeem_as(&code, &headers, &[("client_id", "other")]).await;
    assert!(other.is(400, "invalid_client"), "HAIP-29");
    let answer = world.redeem_as(&code, &headers, &[("client_id", CLIENT)]).await.success();
    assert_eq!(answer["token_type"], "Bearer");
    let id = keys_of(&world, &code).await;
    assert_eq!(id, (Some(CLIENT.to_owned()), Some(instance.key_thumbprint())));
}

/// What the store remembers of who redeemed a code.
async fn keys_of(world: &World, code: &str) -> (Option<String>, Option<String>) {
    let id = oid4vci::secret::PreAuthorizedCode::new(code).offer_id().unwrap();
    let redemption = world.issuer.store.grant(id).await.unwrap().unwrap().redemption.unwrap();
    (redemption.client_id, redemption.client_key.map(|key| key.to_string()))
}

/// Spoils a good attestation, or its proof of possession.
type Spoil = fn(&mut Draft, &mut Draft);

/// D14, WALATT-08: what is wrong with one of the two JWTs.
const BAD: [(&str, Spoil, &str); 14] = [
    ("expired", |one, _| one.claim("exp", json!(1)), "invalid_client"),
    ("no end", |one, _| one.claim("exp", None), "invalid_client"),
    ("no sub", |one, _| one.claim("sub", None), "invalid_client"),
    ("no key", |one, _| one.claim("cnf", None), "invalid_client"),
    ("another type", |one, _| one.header("typ", json!("JWT")), "invalid_client"),
    ("a status that nobody asks for", |one, _| one.claim("status", json!({})), "invalid_client"),
    ("for another server", |_, pop| pop.claim("aud", json!("https://o.example")), "invalid_client"),
    (
        "for two",
        |_, pop| pop.claim("aud", json!(["https://issuer.example", "x"])),
        "invalid_client",
    ),
    ("of another client", |_, pop| pop.claim("iss", json!("other")), "invalid_client"),
    ("no jti", |_, pop| pop.claim("jti", None), "invalid_client"),
    ("no time", |_, pop| pop.claim("iat", None), "invalid_client"),
    ("the other type", |_, pop| pop.header("typ", json!("dpop+jwt")), "invalid_client"),
    ("no challenge", |_, pop| pop.claim("challenge", None), "use_attestation_challenge"),
    ("a foreign one", |_, pop| pop.claim("challenge", json!("x")), "use_attestation_challenge"),
];

#[tokio::test]
async fn a_bad_attestation_spends_nothing() {
    let instance = Instance::default();
    let world = required(&instance).await;
    let code = code(&world).await;
    for (rule, spoil, expected) in BAD {
        let mut drafts = drafts(&world, &instance).await;
        spoil(&mut drafts.0, &mut drafts.1);
        let answer = send(&world, &code, &sign(&instance, &drafts).await).await;
        assert!(answer.is(400, expected), "{rule}: {answer:?}");
        let has_challenge = !answer.header(CHALLENGE).is_empty();
        assert_eq!(has_challenge, expected == "use_attestation_challenge", "WALATT-09: {rule}");
    }
    let drafts = drafts(&world, &instance).await;
    let (attestation, pop) = sign(&instance, &drafts).await;
    let stranger = Instance::default();
    let by_stranger = drafts.0.sign(&stranger.provider).await;
    let pop_by_stranger = drafts.1.sign(&stranger.key).await;
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("D14: by nobody we trust", &[(ATTESTATION, &by_stranger), (POP, &pop)]),
        ("D14: by another instance", &[(ATTESTATION, &attestation), (POP, &pop_by_stranger)]),
        ("WALATT-06: alone", &[(ATTESTATION, &attestation)]),
        ("WALATT-06: alone", &[(POP, &pop)]),
        ("WALATT-06: two", &[(ATTESTATION, &attestation), (POP, &pop), (POP, &pop)]),
        ("no JWT", &[(ATTESTATION, "x"), (POP, "y")]),
    ];
    for (rule, headers) in cases {
        let answer = world.redeem_as(&code, headers, &[]).await;
        assert!(answer.is(400, "invalid_client"), "{rule}: {answer:?}");
    }
    send(&world, &code, &(attestation, pop)).await.success();
}

/// B23: a proof of possession comes once, on all nodes.
#[tokio::test]
async fn a_proof_of_possession_comes_once() {
    let instance = Instance::default();
    let world = required(&instance).await;
    let (first, second) = (code(&world).await, code(&world).await);
    let jwts = sign(&instance, &drafts(&world, &instance).await).await;
    send(&world, &first, &jwts).await.success();
    assert!(send(&world, &second, &jwts).await.is(400, "invalid_client"));
    let form = format!("grant_type={PRE_AUTHORIZED_CODE}&pre-authorized_code={second}");
    let mut node = world.another_issuer(9).await;
    Arc::get_mut(&mut node).unwrap().client_attesters = Some(instance.attesters());
    let node = testkit::wire::Wire::new(issuer::http::public(node));
    let begun = Request::post("/token").header("content-type", FORM);
    let begun = begun.header(ATTESTATION, &jwts.0).header(POP, &jwts.1);
    assert!(node.ask(begun, form).await.is(400, "invalid_client"));
    let fresh = sign(&instance, &drafts(&world, &instance).await).await;
    send(&world, &second, &fresh).await.success();
}

/// Beside DPoP: the token is bound to one key, the client known by another; both must be the same
/// again for a lost answer.
#[tokio::test]
async fn an_attested_wallet_may_bind_its_token_too() {
    let instance = Instance::default();
    let world = required(&instance).await;
    let (code, key) = (code(&world).await, holder_key());
    let ask = async |with_dpop: bool| {
        let (attestation, pop) = sign(&instance, &drafts(&world, &instance).await).await;
        let proof = world.dpop(&key, "token", None).sign(&key).await;
        let all = [(ATTESTATION, &*attestation), (POP, &*pop), ("DPoP", &*proof)];
        world.redeem_as(&code, if with_dpop { &all } else { &all[..2] }, &[]).await
    };
    let first = ask(true).await.success();
    assert_eq!(first["token_type"], "DPoP");
    assert!(ask(false).await.is(400, "invalid_grant"), "one key of two is not enough");
    assert_ne!(ask(true).await.success()["access_token"], first["access_token"]);
}

/// A lost answer: the same instance gets another Bearer token, another instance none.
#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again_by_the_same_instance() {
    let instance = Instance::default();
    let world = required(&instance).await;
    let code = code(&world).await;
    let ask = async |instance: &Instance| {
        let jwts = sign(instance, &drafts(&world, instance).await).await;
        send(&world, &code, &jwts).await
    };
    let lost = ask(&instance).await.success();
    let sibling = Instance { provider: Arc::clone(&instance.provider), key: holder_key() };
    assert!(ask(&sibling).await.is(400, "invalid_grant"), "another of the same maker");
    let found = ask(&instance).await.success();
    let token = |answer: &Value| answer["access_token"].as_str().unwrap().to_owned();
    let body = json!({ "credential_configuration_id": TICKET });
    assert!(world.credential_request(&token(&lost), &body).await.is(401, "invalid_token"));
    world.credential_request(&token(&found), &body).await.success();
    assert!(ask(&instance).await.is(400, "invalid_grant"), "something was issued");
}

/// D13: where the list is empty nobody is trusted, nothing is announced and nothing is looked at.
#[tokio::test]
async fn an_empty_list_trusts_nobody() {
    let instance = Instance::default();
    let trusted_by_none = |issuer: &mut Issuer| {
        issuer.client_attesters = Some(Attesters::default());
        issuer.config.authorization.client_attestation_required = true;
    };
    let world = World::with(trusted_by_none).await;
    let none = code(&world).await;
    let jwts = sign(&instance, &drafts(&world, &instance).await).await;
    assert!(send(&world, &none, &jwts).await.is(400, "invalid_client"));
    let off = World::new().await;
    let code = code(&off).await;
    assert!(off.public.ask(Request::post("/challenge"), "").await.is(404, "not_found"));
    let answer = off.redeem_as(&code, &[(ATTESTATION, "x"), (POP, "y")], &[]).await;
    answer.success();
    assert_eq!(keys_of(&off, &code).await, (None, None), "what is not trusted is not believed");
}

/// WALATT-11, ASMETA-05: announced exactly when it is on.
#[tokio::test]
async fn what_is_taken_is_announced() {
    let metadata = async |world: &World| {
        world.public.get("/.well-known/oauth-authorization-server").await.json()
    };
    let off = metadata(&World::new().await).await;
    assert_eq!(off["token_endpoint_auth_methods_supported"], json!(["none"]));
    for name in ["client_attestation_signing_alg_values_supported", "challenge_endpoint"] {
        assert!(off.get(name).is_none(), "{name}");
    }
    let instance = Instance::default();
    let on = metadata(&world(&instance, |_| {}).await).await;
    let methods = json!(["none", "attest_jwt_client_auth"]);
    assert_eq!(on["token_endpoint_auth_methods_supported"], methods);
    assert_eq!(on["challenge_endpoint"], "https://issuer.example/challenge");
    for kind in ["", "_pop"] {
        let name = format!("client_attestation{kind}_signing_alg_values_supported");
        let algorithms = Algorithm::ALL.map(Algorithm::name);
        assert_eq!(on[&name], json!(algorithms), "{name}");
    }
    assert_eq!(on["pre-authorized_grant_anonymous_access_supported"], true);
    let only = metadata(&required(&instance).await).await;
    let methods = json!(["attest_jwt_client_auth"]);
    assert_eq!(only["token_endpoint_auth_methods_supported"], methods);
    assert_eq!(only["pre-authorized_grant_anonymous_access_supported"], false);
    let lenient = world(&instance, |issuer| {
        issuer.config.authorization.client_attestation_challenge_required = false;
    });
    let lenient = lenient.await;
    assert!(metadata(&lenient).await.get("challenge_endpoint").is_none());
    let (code, now) = (code(&lenient).await, lenient.clock.now().0);
    let pop = instance.pop("https://issuer.example", now, None);
    let jwts = sign(&instance, &(instance.attestation(now), pop)).await;
    send(&lenient, &code, &jwts).await.success();
}

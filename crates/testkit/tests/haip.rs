//! HAIP §4 end to end: an issuer that an operator has configured with `profile = "haip"`, our
//! wallet with the same profile, and those that keep it not.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::Request as HttpRequest;
use keys::jws::Jws;
use keys::outside::Clock as _;
use keys::x509::{Certificate, verify_chain, x5c_from_header};
use oid4vci::haip::HaipFinding;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::haip::edit;
use testkit::sender::CLIENT;
use testkit::sign_in::Browser;
use testkit::wire::Wire;
use testkit::world::{ISSUER, World};
use url::{Url, form_urlencoded};
use wallet::Wallet;
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::receipt::Received;
use wallet::http::{Http, HttpError, Request, Response};
use wallet::store::StoredCredential;
use wallet::trust::VerificationError;

const CARD: &str = "student_card";
const BACK: &str = "http://127.0.0.1:49152/cb";

/// What an answer is changed into, by the path that was asked.
type Change = fn(&str, &mut Value);

/// The way to the issuer, which notes what was sent and may change what is answered: so it asks for
/// nothing signed.
#[derive(Debug)]
struct Line {
    wire: Wire,
    sent: Mutex<Vec<Request>>,
    change: Change,
}

#[async_trait]
impl Http for Line {
    async fn send(&self, mut request: Request) -> Result<Response, HttpError> {
        for (name, value) in &mut request.headers {
            if *name == "accept" {
                "application/json".clone_into(value);
            }
        }
        self.sent.lock().unwrap().push(request.clone());
        let path = request.url.path().to_owned();
        let mut answer = Http::send(&self.wire, request).await?;
        if let Ok(mut body) = serde_json::from_slice(&answer.body) {
            (self.change)(&path, &mut body);
            answer.body = body.to_string().into_bytes();
        }
        Ok(answer)
    }
}

impl Line {
    fn sent_to(&self, path: &str) -> Vec<Request> {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|request| request.url.path() == path).cloned().collect()
    }
}

fn on_line(world: &World, change: Change) -> (Wallet, Arc<Line>) {
    let line = Arc::new(Line { wire: world.public.clone(), sent: Mutex::default(), change });
    (Wallet { http: line.clone(), ..world.wallet.clone() }, line)
}

fn form(request: &Request) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

fn value(form: &[(String, String)], name: &str) -> Option<String> {
    form.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
}

async fn resolve(
    world: &World,
    wallet: &Wallet,
    (id, grants): (&str, &str),
) -> Result<ResolvedOffer, WalletError> {
    let wish = world.wish(id, &json!({ "grants": grants }));
    let made: Value = world.operator("POST", "/admin/v1/offers", Some(&wish)).await.json();
    // HAIP-20: the link of the profile is the same offer.
    let uri = made["uri"].as_str().unwrap().replace("openid-credential-offer:", "haip-vci:");
    agreed::resolve(wallet, &uri).await
}

/// By signing in, up to what the wallet would keep.
async fn sign_in(world: &World, wallet: &Wallet, wish: &KeyWish) -> Result<Received, WalletError> {
    let offer = resolve(world, wallet, (CARD, "authorization_code")).await?;
    let begun = wallet.begin_sign_in(offer, BACK).await?;
    let back = Browser::of(&world.public).allow(begun.address().as_str(), "ada").await;
    let query = Url::parse(&back).unwrap().query().unwrap().to_owned();
    let authorized = wallet.finish_sign_in(begun, &query).await?;
    wallet.request_credentials(&authorized, wish).await
}

async fn kept(wallet: &Wallet, received: &Received) -> StoredCredential {
    wallet.keep(received).await.unwrap().remove(0)
}

/// HAIP-01, HAIP-02, HAIP-18, HAIP-19, HAIP-22, HAIP-23, HAIP-29, HAIP-30, HAIP-42, HAIP-46: the
/// whole way.
#[tokio::test]
async fn both_sides_keep_the_profile() {
    let (world, maker) = World::haip(|_| {}).await;
    world.account("ada", &[CARD]).await;
    let (wallet, line) = on_line(&world, |_, _| {});
    let wish = KeyWish { copies: 3, ..KeyWish::default() };
    let credential = kept(&wallet, &sign_in(&world, &wallet, &wish).await.unwrap()).await;
    assert_eq!(credential.copies.len(), 2, "HAIP-08");
    assert_eq!(line.sent_to("/credential").len(), 1, "HAIP-08: one request, not a series");

    let pushed = line.sent_to("/par").remove(0);
    assert_eq!(value(&form(&pushed), "scope").as_deref(), Some(CARD), "HAIP-19, HAIP-23");
    assert_eq!(value(&form(&pushed), "authorization_details"), None, "HAIP-23");
    assert_eq!(value(&form(&pushed), "code_challenge_method").as_deref(), Some("S256"), "HAIP-04");
    for request in [&pushed, &line.sent_to("/token")[0]] {
        let has = |name: &str| request.headers.iter().any(|(given, _)| *given == name);
        assert!(has("OAuth-Client-Attestation") && has("OAuth-Client-Attestation-PoP"), "HAIP-22");
        assert!(has("DPoP"), "HAIP-05");
        assert_eq!(value(&form(request), "client_id").as_deref(), Some(CLIENT), "HAIP-29, HAIP-30");
    }
    let jws = Jws::parse(credential.raw.split('~').next().unwrap(), 65_536).unwrap();
    let claims = jws.claims().unwrap();
    assert_eq!(jws.header()["alg"], "ES256", "HAIP-49");
    assert!(claims["cnf"]["jwk"].is_object(), "HAIP-42");
    assert_eq!(claims["_sd_alg"], "sha-256", "HAIP-53");
    assert!(claims["status"]["status_list"].is_object(), "HAIP-43");
    assert!(claims.contains_key("exp"), "HAIP-41");
    let chain = x5c_from_header(jws.header()).unwrap().unwrap();
    for der in chain {
        assert!(!Certificate::from_der(&der).unwrap().is_self_issued, "HAIP-46");
    }
    let attested = maker.attested.lock().unwrap();
    assert_eq!(attested.len(), 1, "one attestation for one server and one flow");
    assert_eq!(attested[0].0, ISSUER, "HAIP-28");
}

/// HAIP-28: what one server has seen, no other sees.
#[tokio::test]
async fn an_attestation_is_for_one_issuer() {
    let (world, maker) = World::haip(|_| {}).await;
    for _ in 0..2 {
        resolve(&world, &world.wallet, (CARD, "pre_authorized_code")).await.unwrap();
    }
    let attested = maker.attested.lock().unwrap();
    assert_eq!(attested.len(), 2);
    assert_ne!(attested[0].1, attested[1].1, "another key each time");
}

/// HAIP-04, HAIP-05, HAIP-09, HAIP-11, HAIP-12, HAIP-13, HAIP-17, HAIP-25, HAIP-52: what is
/// published.
#[tokio::test]
async fn an_issuer_of_the_profile_says_so_in_its_metadata() {
    let (world, _) = World::haip(|folder| {
        edit(folder, "bestow.toml", "#credentials_per_offer = 10", "credentials_per_offer = 1");
    })
    .await;
    let server = world.public.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(server["token_endpoint_auth_methods_supported"], json!(["attest_jwt_client_auth"]));
    assert_eq!(server["pre-authorized_grant_anonymous_access_supported"], false, "HAIP-25");
    assert_eq!(server["require_pushed_authorization_requests"], true, "HAIP-04");
    assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]), "HAIP-04");
    assert_eq!(server["authorization_response_iss_parameter_supported"], true, "HAIP-04");
    let grants = server["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!("authorization_code")), "HAIP-02");
    assert!(grants.contains(&json!("refresh_token")), "HAIP-24");
    for name in [
        "dpop_signing_alg_values_supported",
        "client_attestation_signing_alg_values_supported",
        "client_attestation_pop_signing_alg_values_supported",
    ] {
        let algorithms = server[name].as_array().unwrap();
        assert!(algorithms.contains(&json!("ES256")), "HAIP-49, HAIP-52: {name}");
    }
    let issuer = world.public.get("/.well-known/openid-credential-issuer").await.json();
    assert_eq!(issuer["batch_credential_issuance"], Value::Null, "HAIP-09: it gives one at a time");
    assert!(issuer["nonce_endpoint"].is_string(), "HAIP-17");
    let all = issuer["credential_configurations_supported"].as_object().unwrap();
    for (id, configuration) in all {
        assert_eq!(configuration["scope"], **id, "HAIP-13: its name, where no other is written");
    }
    assert_eq!(all[CARD]["cryptographic_binding_methods_supported"], json!(["jwk"]), "HAIP-42");
    let several = World::haip(|_| {}).await.0;
    let issuer = several.public.get("/.well-known/openid-credential-issuer").await.json();
    assert_eq!(issuer["batch_credential_issuance"]["batch_size"], 10, "HAIP-09");
}

/// HAIP-14, HAIP-15, HAIP-50: who asks for signed metadata gets them, with a chain that ends before
/// its anchor.
#[tokio::test]
async fn metadata_are_signed_by_a_certified_key() {
    let (world, _) = World::haip(|_| {}).await;
    let asked = HttpRequest::get("/.well-known/openid-credential-issuer");
    let answer = world.public.ask(asked.header("accept", "application/jwt"), "").await;
    let jws = Jws::parse(&answer.text(), 1 << 20).unwrap();
    assert_eq!(jws.header()["alg"], "ES256", "HAIP-50");
    let chain = x5c_from_header(jws.header()).unwrap().unwrap();
    assert_eq!(oid4vci::haip::check_chain(Some(&chain)), Ok(()), "HAIP-15");
    let anchors = world.wallet.settings.anchors.as_ref().unwrap();
    assert!(verify_chain(&chain, anchors, world.clock.now()).is_ok(), "HAIP-14");
}

/// HAIP-04, HAIP-05, HAIP-25, HAIP-27: who proves too little gets no token, and spends nothing.
#[tokio::test]
async fn an_issuer_of_the_profile_refuses_who_proves_too_little() {
    let (world, maker) = World::haip(|_| {}).await;
    let plain = world.plain_wallet();
    let refused = resolve(&world, &plain, (CARD, "pre_authorized_code")).await.unwrap_err();
    assert_eq!(refused, WalletError::AttestationNeeded, "HAIP-25");

    let code = world.offer(CARD, &json!({})).await.code;
    for more in [&[][..], &[("client_id", CLIENT)]] {
        assert!(world.redeem(&code, more).await.is(400, "invalid_client"), "HAIP-25: {more:?}");
    }
    let request = world.authorization_request(CARD, &[("client_id", CLIENT)]);
    let by_browser = world.public.get(&world.authorize(&request)).await;
    assert_eq!(by_browser.status, 400, "HAIP-04: it was not pushed: {}", by_browser.text());
    let pairs: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (&**name, &**value)).collect();
    let pushed = world.public.post_form("/par", &pairs).await;
    assert!(pushed.is(400, "invalid_client"), "HAIP-25: {}", pushed.text());

    for (rule, x5c, is_taken) in [
        ("HAIP-27: with the anchor", Some(maker.chain(true)), false),
        ("HAIP-27: without certificates", None, false),
        ("HAIP-27", Some(maker.chain(false)), true),
    ] {
        let (jwt, key) = maker.attest(x5c.as_deref()).await;
        let challenge = world.public.ask(HttpRequest::post("/challenge"), "").await.success();
        let now = world.clock.now().0;
        let challenge = challenge["attestation_challenge"].as_str();
        let instance = testkit::sender::Instance::default();
        let pop = instance.pop(ISSUER, now, challenge).sign(&key).await;
        let dpop_key = testkit::proof::holder_key();
        let dpop = world.dpop(&dpop_key, "token", None).sign(&dpop_key).await;
        let attested =
            [("OAuth-Client-Attestation", &*jwt), ("OAuth-Client-Attestation-PoP", &*pop)];
        if is_taken {
            let bare = world.redeem_as(&code, &attested, &[]).await;
            assert!(bare.is(400, "invalid_dpop_proof"), "HAIP-05: {}", bare.text());
        }
        let headers = [&attested[..], &[("DPoP", &*dpop)]].concat();
        let answer = world.redeem_as(&code, &headers, &[]).await;
        assert_eq!(answer.status == 200, is_taken, "{rule}: {}", answer.text());
        if !is_taken {
            assert!(answer.is(400, "invalid_client"), "{rule}: {}", answer.text());
        }
    }
}

/// HAIP-02 to HAIP-30: an issuer that does not keep the profile is left before anything is sent.
#[tokio::test]
async fn a_wallet_of_the_profile_leaves_issuers_that_do_not_keep_it() {
    let world = World::new().await;
    let (maker_world, _) = World::haip(|_| {}).await;
    let cases: [(Change, HaipFinding); 6] = [
        (|_, body| drop(take(body, "authorization_endpoint")), HaipFinding::NoCodeFlow),
        (|_, body| drop(take(body, "code_challenge_methods_supported")), HaipFinding::NoS256),
        (
            |_, body| drop(take(body, "pushed_authorization_request_endpoint")),
            HaipFinding::NoPushedRequests,
        ),
        (|_, body| drop(take(body, "dpop_signing_alg_values_supported")), HaipFinding::NoDpop),
        (|_, body| drop(take(body, "nonce_endpoint")), HaipFinding::NoNonceEndpoint),
        (
            |_, body| {
                let all = body.get_mut("credential_configurations_supported");
                all.map(|all| take(&mut all["course_ticket"], "scope"));
            },
            HaipFinding::NoScope,
        ),
    ];
    for (change, finding) in cases {
        let (wallet, line) = on_line(&maker_world, change);
        let refused = resolve(&maker_world, &wallet, (CARD, "pre_authorized_code")).await;
        let error = refused.unwrap_err();
        assert_eq!(error, WalletError::Haip(finding));
        assert_eq!((error.class(), error.code()), (Class::NotVerified, "haip"));
        assert!(error.to_string().contains("HAIP-"), "{error}");
        assert!(line.sent_to("/token").is_empty() && line.sent_to("/par").is_empty());
    }
    let mut wallet = world.wallet.clone();
    wallet.settings.clone_from(&maker_world.wallet.settings);
    let refused = resolve(&world, &wallet, (CARD, "pre_authorized_code")).await;
    assert!(matches!(refused, Err(WalletError::Haip(_))), "ours without the profile: {refused:?}");
    let refused =
        resolve(&maker_world, &maker_world.wallet, ("diploma", "pre_authorized_code")).await;
    assert!(matches!(refused, Err(WalletError::UnsupportedFormat { .. })), "HAIP-03: {refused:?}");
}

fn take(body: &mut Value, name: &str) -> Option<Value> {
    body.as_object_mut()?.remove(name)
}

/// Puts other certificates, or another way of binding, into the folder of an issuer.
type Spoil = fn(&Path);

/// HAIP-42, HAIP-46: what an issuer without the profile may do, and a wallet of the profile does
/// not keep.
#[tokio::test]
async fn a_credential_that_does_not_keep_the_profile_is_not_kept() {
    let cases: [(Spoil, HaipFinding); 3] = [
        (|folder| edit(folder, CARD_FILE, r#"["jwk"]"#, r#"["did:jwk"]"#), HaipFinding::NoJwk),
        (with_anchor, HaipFinding::AnchorIncluded),
        (certified_by_itself, HaipFinding::SelfSigned),
    ];
    for (spoil, finding) in cases {
        let (world, _) = World::haip(|folder| {
            edit(folder, "bestow.toml", "profile = \"haip\"", "profile = \"none\"");
            edit(folder, CARD_FILE, "#scope", "scope");
            edit(folder, "credentials/course_ticket.toml", "format", "scope = \"ticket\"\nformat");
            edit(folder, "credentials/diploma.toml", "format", "scope = \"diploma\"\nformat");
            let attested = "client_attestation_required = ";
            edit(folder, "bestow.toml", &format!("#{attested}false"), &format!("{attested}true"));
            edit(folder, "bestow.toml", "#anonymous_access = true", "anonymous_access = false");
            spoil(folder);
        })
        .await;
        let offer = resolve(&world, &world.wallet, (CARD, "pre_authorized_code")).await.unwrap();
        let authorized = world.wallet.request_token(offer, None).await.unwrap();
        let refused = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
        let expected = WalletError::NotVerified(VerificationError::Haip(finding));
        assert_eq!(refused.unwrap_err(), expected);
        assert!(world.wallet.store.credentials().await.unwrap().records.is_empty());
    }
}

const CARD_FILE: &str = "credentials/student_card.toml";

fn with_anchor(folder: &Path) {
    let [chain, anchor] =
        ["keys/signing-certificate.pem", "tls/ca.pem"].map(|name| folder.join(name));
    let whole = fs::read_to_string(&chain).unwrap() + &fs::read_to_string(anchor).unwrap();
    fs::write(chain, whole).unwrap();
}

/// The authority signs credentials by itself.
fn certified_by_itself(folder: &Path) {
    for (from, to) in [
        ("keys/development-ca-key.pem", "keys/signing-key.pem"),
        ("tls/ca.pem", "keys/signing-certificate.pem"),
    ] {
        fs::copy(folder.join(from), folder.join(to)).unwrap();
    }
}

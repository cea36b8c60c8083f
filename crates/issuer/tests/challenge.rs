//! First-Party Apps §5 over the router: the operator's own wallet asks for name and password itself.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use axum::http::Request;
use issuer::Issuer;
use keys::algorithm::Algorithm;
use keys::outside::Clock as _;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::client::{ASSERTION_TYPE, ClientAuthentication, ClientKey, NewClientAssertion};
use oid4vci::legacy::Dialect;
use serde_json::Value;
use testkit::outside::TestRandom;
use testkit::proof::holder_key;
use testkit::provider::TestProvider;
use testkit::sender::{Instance, dpop};
use testkit::sign_in::{Browser, CLIENT, PASSWORD, register, with_client};
use testkit::wire::{Answer, FORM};
use testkit::world::{ISSUER, World};
use url::form_urlencoded;

/// The operator's own wallet, which has a key.
struct Own {
    world: World,
    key: SoftwareKey,
    random: TestRandom,
}

type Pairs<'p> = &'p [(&'p str, &'p str)];

fn first_party(issuer: &mut Issuer, client_id: &str, authentication: ClientAuthentication) {
    register(issuer, client_id, authentication);
    issuer.clients.get_mut(client_id).unwrap().is_first_party = true;
}

async fn own(change: impl FnOnce(&mut Issuer)) -> Own {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let registered = ClientKey { kid: None, key: key.public_key().clone() };
    let world = World::with(|issuer| {
        first_party(issuer, CLIENT, ClientAuthentication::PrivateKeyJwt(vec![registered]));
        change(issuer);
    })
    .await;
    world.account("ada", &["student_card"]).await;
    Own { world, key, random: TestRandom::new(78) }
}

impl Own {
    async fn assertion(&self) -> String {
        let new = NewClientAssertion {
            client_id: CLIENT,
            authorization_server: ISSUER,
            kid: None,
            now: self.world.clock.now(),
        };
        new.sign(&self.key, &self.random).await.unwrap()
    }

    /// A request of the wallet, with these headers.
    async fn ask(&self, headers: Pairs<'_>, pairs: Pairs<'_>) -> Answer {
        let jwt = self.assertion().await;
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jwt.as_str())];
        ask(&self.world, headers, &[pairs, &proof].concat()).await
    }

    /// The first request, which says what is asked for.
    async fn begin(&self, headers: Pairs<'_>, change: Pairs<'_>) -> Answer {
        let request = self.world.authorization_request("student_card", change);
        let pairs: Vec<_> = request.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
        self.ask(headers, &pairs).await
    }

    /// A session that waits for a password.
    async fn session(&self) -> String {
        let answer = self.begin(&[], &[("redirect_uri", ""), ("state", "")]).await;
        assert!(goes_on(&answer, "insufficient_authorization"), "{}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.json()["auth_session"].as_str().unwrap().to_owned()
    }

    async fn signs_in(&self, session: &str, name: &str, password: &str) -> Answer {
        let typed = [("auth_session", session), ("username", name), ("password", password)];
        self.ask(&[], &typed).await
    }

    async fn redeem(&self, code: &str, change: Pairs<'_>) -> Answer {
        let jwt = self.assertion().await;
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jwt.as_str())];
        self.world.redeem_code(code, &[change, &proof].concat()).await
    }
}

async fn ask(world: &World, headers: Pairs<'_>, pairs: Pairs<'_>) -> Answer {
    let mut begun = Request::post(world.issuer.endpoint("authorize-challenge"));
    for (name, value) in headers {
        begun = begun.header(*name, *value);
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    world.public.ask(begun.header("content-type", FORM), body).await
}

/// Whether it is refused for now, with what the wallet needs to go on.
fn goes_on(answer: &Answer, error: &str) -> bool {
    (answer.status, &answer.json()["error"]) == (400, &error.into())
}

async fn server_metadata(world: &World) -> Value {
    world.public.get("/.well-known/oauth-authorization-server").await.json()
}

/// First-Party Apps §5.2, First-Party Apps §6: a question, an answer, a code, a token; no address.
#[tokio::test]
async fn a_wallet_of_the_operators_own_asks_for_the_password_itself() {
    let own = own(|_| {}).await;
    let session = own.session().await;
    let asked = own.ask(&[], &[("auth_session", &session)]).await;
    assert!(goes_on(&asked, "insufficient_authorization"), "nothing was typed");
    assert_eq!(asked.json()["auth_session"], session.as_str());
    let signed_in = own.signs_in(&session, "ada", PASSWORD).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    assert_eq!(signed_in.header("cache-control"), "no-store");
    let code = signed_in.json()["authorization_code"].as_str().unwrap().to_owned();
    assert_eq!(signed_in.json().as_object().unwrap().len(), 1);
    let again = own.signs_in(&session, "ada", PASSWORD).await;
    assert!(again.is(400, "invalid_session"), "one session, one code");
    let (session, jwt) = (own.session().await, own.assertion().await);
    let seen = [
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", jwt.as_str()),
        ("auth_session", &session),
        ("username", "ada"),
        ("password", "slip"),
    ];
    assert!(goes_on(&ask(&own.world, &[], &seen).await, "insufficient_authorization"));
    assert!(ask(&own.world, &[], &seen).await.is(401, "invalid_client"), "RFC 7523 §3: once");
    let elsewhere = own.redeem(&code, &[("redirect_uri", "https://wallet.example/x")]).await;
    assert!(elsewhere.is(400, "invalid_grant"), "{}", elsewhere.text());
    let wrong = own.redeem(&code, &[("code_verifier", &"x".repeat(43))]).await;
    assert!(wrong.is(400, "invalid_grant"), "PKCE holds here, too");
    own.redeem(&code, &[("redirect_uri", "")]).await.success();
    let empty = own.begin(&[], &[("redirect_uri", ""), ("response_type", "")]).await;
    assert!(goes_on(&empty, "insufficient_authorization"), "empty is left out: {}", empty.text());
}

/// The endpoint speaks 1.0, and no draft says otherwise.
#[tokio::test]
async fn no_draft_has_a_challenge_endpoint() {
    let own = own(|_| {}).await;
    let endpoint = "authorization_challenge_endpoint";
    assert!(server_metadata(&own.world).await[endpoint].is_string());
    for draft in ["8", "9", "11", "12", "13", "14", "15"] {
        let dialect = Dialect::parse(draft).unwrap();
        let metadata = issuer::flow::legacy::authorization_server(dialect, &own.world.issuer);
        let metadata = serde_json::to_value(metadata).unwrap();
        assert!(metadata["authorization_endpoint"].is_string(), "{draft}: {metadata}");
        assert!(metadata.get(endpoint).is_none(), "{draft}: {metadata}");
    }
}

/// First-Party Apps §8, First-Party Apps §9.1: who is not the operator's own sends people to a
/// browser; who only says so is not.
#[tokio::test]
async fn only_the_operators_own_wallet_may_ask_for_passwords() {
    let own = own(|issuer| {
        register(issuer, "stranger", ClientAuthentication::None);
        first_party(issuer, "public", ClientAuthentication::None);
    })
    .await;
    let announced = &server_metadata(&own.world).await["authorization_challenge_endpoint"];
    assert_eq!(announced, &own.world.issuer.endpoint("authorize-challenge"));
    for client_id in ["stranger", "public"] {
        let typed = [
            ("client_id", client_id),
            ("auth_session", "x"),
            ("username", "ada"),
            ("password", "x"),
        ];
        let answer = ask(&own.world, &[], &typed).await;
        assert!(answer.is(400, "unauthorized_client"), "{client_id}: {}", answer.text());
    }
    let request = own.world.authorization_request("student_card", &[]);
    let unproved: Vec<_> = request.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
    assert!(ask(&own.world, &[], &unproved).await.is(401, "invalid_client"));

    let without = World::with(with_client).await;
    let typed = [("client_id", CLIENT)];
    assert!(ask(&without, &[], &typed).await.is(404, "not_found"), "off by default");
    assert!(server_metadata(&without).await.get("authorization_challenge_endpoint").is_none());
}

/// First-Party Apps §9.4: on a device there is no secret of the operator's, but an attestation.
#[tokio::test]
async fn an_attested_wallet_is_the_operators_own() {
    let instance = Instance::default();
    let world = World::with(|issuer| {
        issuer.client_attesters = Some(instance.attesters());
        issuer.config.authorization.client_attestation_challenge_required = false;
        first_party(issuer, testkit::sender::CLIENT, ClientAuthentication::None);
    })
    .await;
    let now = world.clock.now().0;
    let jwt = instance.attestation(now).sign(&instance.provider).await;
    let pop = instance.pop(world.issuer.credential_issuer(), now, None).sign(&instance.key).await;
    let change = [("client_id", testkit::sender::CLIENT)];
    let request = world.authorization_request("student_card", &change);
    let pairs: Vec<_> = request.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
    assert!(ask(&world, &[], &pairs).await.is(400, "unauthorized_client"));
    let headers = [("OAuth-Client-Attestation", &*jwt), ("OAuth-Client-Attestation-PoP", &*pop)];
    let answer = ask(&world, &headers, &pairs).await;
    assert!(goes_on(&answer, "insufficient_authorization"), "{}", answer.text());
    let again = ask(&world, &headers, &pairs).await;
    assert!(again.is(400, "invalid_client"), "B23, each proof once: {}", again.text());
}

/// First-Party Apps §9.3, RFC 6749 §10.10: who guesses gets no further than on the page, and shares
/// its count.
#[tokio::test]
async fn guesses_are_counted_with_those_of_the_page() {
    let own = own(|issuer| issuer.config.authorization.failed_sign_ins_per_hour = 3).await;
    let session = own.session().await;
    let [one, other] = [
        own.signs_in(&session, "ada", "wrong").await,
        own.signs_in(&session, "eve", PASSWORD).await,
    ];
    assert!(goes_on(&one, "insufficient_authorization"), "{}", one.text());
    assert_eq!(one.text(), other.text(), "nobody learns which is wrong");
    assert_eq!(one.json()["auth_session"], session.as_str());
    let mut browser = Browser::of(&own.world.public);
    let address = own.world.authorize(&own.world.authorization_request("student_card", &[]));
    let (path, page) = browser.open(&address).await;
    for password in ["wrong", "guess"] {
        let typed = [("account", "ada"), ("password", password), ("answer", "sign-in")];
        assert_eq!(browser.send(&path, &page, &typed).await.status, 403);
    }
    let late = own.signs_in(&session, "ada", PASSWORD).await;
    assert!(late.is(429, "temporarily_unavailable"), "{}", late.text());
    assert!(!late.header("retry-after").is_empty());
}

/// First-Party Apps §5.3.1, First-Party Apps §9.6.1: a session is of one client, one key and one way
/// to sign in.
#[tokio::test]
async fn a_session_is_for_whoever_began_it() {
    let own = own(|_| {}).await;
    for unknown in ["", "x", &"A".repeat(64)] {
        let typed = [("auth_session", unknown), ("username", "ada"), ("password", PASSWORD)];
        let answer = own.ask(&[], &typed).await;
        let code = if unknown.is_empty() { "invalid_request" } else { "invalid_session" };
        assert!(answer.is(400, code), "{unknown}: {}", answer.text());
    }
    let session = own.session().await;
    let page = format!("/authorize/{session}");
    assert_eq!(Browser::of(&own.world.public).open(&page).await.1.status, 400, "it has no pages");

    let key = holder_key();
    let endpoint = own.world.issuer.endpoint("authorize-challenge");
    let proof = async |key: &SoftwareKey| {
        dpop(key, &endpoint, own.world.clock.now().0, None).sign(key).await
    };
    let begun = own.begin(&[("DPoP", &proof(&key).await)], &[]).await.json();
    let session = begun["auth_session"].as_str().unwrap();
    let typed = [("auth_session", session), ("username", "ada"), ("password", PASSWORD)];
    assert!(own.ask(&[], &typed).await.is(400, "invalid_session"), "without its key");
    let other = proof(&holder_key()).await;
    assert!(own.ask(&[("DPoP", &other)], &typed).await.is(400, "invalid_session"));
    assert_eq!(own.ask(&[("DPoP", &proof(&key).await)], &typed).await.status, 200);

    let session = own.session().await;
    own.world.clock.advance(600);
    assert!(own.signs_in(&session, "ada", PASSWORD).await.is(400, "invalid_session"), "over");
}

/// RFC 6749 §5.2: what a pushed request would be told.
#[tokio::test]
async fn what_is_asked_for_is_judged_like_any_request() {
    let own = own(|_| {}).await;
    for (row, change, code) in [
        ("no PKCE", ("code_challenge", ""), "invalid_request"),
        ("another type", ("response_type", "token"), "unsupported_response_type"),
        ("nothing", ("authorization_details", ""), "invalid_scope"),
        ("elsewhere", ("redirect_uri", "https://attacker.example/"), "invalid_request"),
        ("no offer of ours", ("issuer_state", "x"), "invalid_request"),
    ] {
        let answer = own.begin(&[], &[change]).await;
        assert!(answer.is(400, code), "{row}: {}", answer.text());
    }
    let without_type = own.begin(&[], &[("response_type", "")]).await;
    assert!(goes_on(&without_type, "insufficient_authorization"), "it can mean nothing else");
    own.world.account("bob", &["diploma"]).await;
    let session = own.session().await;
    let nothing = own.signs_in(&session, "bob", PASSWORD).await;
    assert!(nothing.is(400, "access_denied"), "{}", nothing.text());
    assert!(own.signs_in(&session, "ada", PASSWORD).await.is(400, "invalid_session"));
}

/// First-Party Apps §6, RFC 6749 §3.1.2.3: the only address that is registered need not be named.
#[tokio::test]
async fn a_browser_goes_back_to_the_only_address() {
    let provider = TestProvider::start().await;
    let own = own(|issuer| {
        provider.trusted_by(issuer, |_| {});
        issuer.config.sign_in.accounts = false;
        issuer.clients.get_mut(CLIENT).unwrap().redirect_uris.truncate(1);
    })
    .await;
    let answer = own.begin(&[], &[("redirect_uri", "")]).await;
    assert!(goes_on(&answer, "redirect_to_web"), "{}", answer.text());
}

/// First-Party Apps §5.2.2.1.1: where people sign in elsewhere, a browser goes on with the request.
#[tokio::test]
async fn a_browser_takes_over_where_people_sign_in_elsewhere() {
    let provider = TestProvider::start().await;
    let own = own(|issuer| {
        provider.trusted_by(issuer, |_| {});
        issuer.config.sign_in.accounts = false;
    })
    .await;
    let answer = own.begin(&[], &[]).await;
    assert!(goes_on(&answer, "redirect_to_web"), "{}", answer.text());
    let pushed = answer.json();
    assert_eq!(pushed["expires_in"], 90);
    let short = [
        ("client_id".to_owned(), CLIENT.to_owned()),
        ("request_uri".to_owned(), pushed["request_uri"].as_str().unwrap().to_owned()),
    ];
    let (_, page) = Browser::of(&own.world.public).open(&own.world.authorize(&short)).await;
    assert!(page.text().contains("Riverside Login"), "{}", page.text());
    let denied = Browser::of(&own.world.public).open(&own.world.authorize(&short)).await.1;
    assert_eq!(denied.status, 400, "good for one browser");
    let nowhere = own.begin(&[], &[("redirect_uri", "")]).await;
    assert!(nowhere.is(400, "invalid_request"), "two addresses, none named: {}", nowhere.text());
}

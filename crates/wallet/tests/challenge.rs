//! First-Party Apps §5: the wallet asks for name and password itself where it is told to and the
//! issuer lets it; everywhere else a browser does.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod world;

use std::collections::BTreeMap;

use oid4vci::secret::{CodeVerifier, GivenPassword};
use serde_json::{Value, json};
use wallet::error::{Class, WalletError};
use wallet::flow::challenge::{Challenge, Challenged};
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::sign_in::SignIn;
use world::{
    Answer, ISSUER, ISSUER_METADATA, SERVER_METADATA, Sent, World, endpoint, issuer_metadata,
    server_metadata,
};

const BACK: &str = "http://127.0.0.1:49152/cb";
const CHALLENGE: &str = "authorize-challenge";
const PASSWORD: &str = "password-canary";

/// An issuer whose own wallet this is, and what it answers to each request in turn.
fn world(answers: &[(u16, Value)]) -> World {
    let world = World::new();
    publish(&world, &endpoint(CHALLENGE));
    let answers = answers.to_vec();
    let count = std::sync::atomic::AtomicUsize::new(0);
    world.network.on(&endpoint(CHALLENGE), move |_| {
        let at = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let (status, body) = answers[at].clone();
        Answer::Json(status, body)
    });
    world
}

fn publish(world: &World, challenge_endpoint: &str) {
    let mut server = server_metadata();
    server["authorization_endpoint"] = endpoint("authorize").into();
    server["authorization_challenge_endpoint"] = challenge_endpoint.into();
    world.network.says(SERVER_METADATA, 200, server);
}

async fn resolve(world: &World) -> Result<ResolvedOffer, WalletError> {
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["student_card"],
        "grants": { "authorization_code": { "issuer_state": "from the offer" } },
    });
    world.resolve(&offer).await
}

async fn begin(world: &World) -> Result<Challenged, WalletError> {
    Box::pin(world.wallet.begin_challenge(resolve(world).await?, BACK)).await
}

fn asks(challenged: Challenged) -> Challenge {
    let Challenged::Asks(challenge) = challenged else { panic!("{challenged:?}") };
    *challenge
}

fn browser(challenged: Challenged) -> SignIn {
    let Challenged::Browser(sign_in) = challenged else { panic!("{challenged:?}") };
    *sign_in
}

fn asked(world: &World) -> Vec<Sent> {
    world.network.sent_to(&endpoint(CHALLENGE))
}

fn insufficient(session: &str) -> (u16, Value) {
    (400, json!({ "error": "insufficient_authorization", "auth_session": session }))
}

fn code() -> (u16, Value) {
    (200, json!({ "authorization_code": "code-canary" }))
}

/// First-Party Apps §5.1, First-Party Apps §5.3, First-Party Apps §6
#[tokio::test]
async fn a_password_that_was_typed_becomes_a_token() {
    let world = world(&[insufficient("one"), insufficient("two"), code()]);
    let challenge = asks(begin(&world).await.unwrap());
    let first = asked(&world)[0].form();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "bestow"),
        ("issuer_state", "from the offer"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(first[name], value);
    }
    assert!(!first.contains_key("auth_session") && first.contains_key("authorization_details"));

    let password = GivenPassword::new(PASSWORD);
    let again = world.wallet.answer_challenge(challenge, "ada", &GivenPassword::new("slip")).await;
    let challenge = asks(again.unwrap());
    let done = world.wallet.answer_challenge(challenge, "ada", &password).await.unwrap();
    let Challenged::Authorized(authorized) = done else { panic!("{done:?}") };
    let expected = |session: &str, password: &str| {
        let form = [
            ("client_id", "bestow"),
            ("auth_session", session),
            ("username", "ada"),
            ("password", password),
        ];
        form.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    };
    let sent: Vec<BTreeMap<String, String>> =
        asked(&world).iter().skip(1).map(|sent| sent.form().into_iter().collect()).collect();
    assert_eq!(sent, [expected("one", "slip"), expected("two", PASSWORD)], "and nothing more");

    let form = world.network.sent_to(&endpoint("token"))[0].form();
    assert_eq!((&*form["code"], &*form["redirect_uri"]), ("code-canary", BACK));
    let verifier = CodeVerifier::new(form["code_verifier"].clone());
    assert_eq!(verifier.challenge().to_text(), first["code_challenge"]);
    let received = world.wallet.request_credentials(&authorized, &KeyWish::default()).await;
    assert_eq!(received.unwrap().previews().len(), 1);
}

/// SEC-09: the host that a person is shown is the one that hears the password.
#[tokio::test]
async fn a_password_is_typed_for_whom_it_goes_to() {
    let world = world(&[insufficient("one")]);
    let server = "https://login.example";
    let mut issuer = issuer_metadata();
    issuer["authorization_servers"] = json!([server]);
    world.network.says(ISSUER_METADATA, 200, issuer);
    let mut metadata = server_metadata();
    metadata["issuer"] = server.into();
    metadata["token_endpoint"] = format!("{server}/token").into();
    metadata["authorization_endpoint"] = format!("{server}/authorize").into();
    metadata["authorization_challenge_endpoint"] = endpoint(CHALLENGE).into();
    let place = format!("{server}/.well-known/oauth-authorization-server");
    world.network.says(&place, 200, metadata);
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["student_card"],
        "grants": { "authorization_code": {} },
    });
    let scanned = ScannedOffer::scan(&world::link(&offer)).unwrap();
    let consent = Consent::to(scanned.host()).and("login.example");
    let offer = world.resolve_with(scanned, &consent).await.unwrap();
    assert_eq!(offer.token_host(), "login.example");
    let begun = Box::pin(world.wallet.begin_challenge(offer, BACK)).await.unwrap();
    assert_eq!(asks(begun).host(), "issuer.example");
}

/// First-Party Apps §5.2.2.1.1: the request that the server has goes on in the browser.
#[tokio::test]
async fn a_browser_goes_on_with_the_request_that_the_server_has() {
    let to_web = json!({ "error": "redirect_to_web", "request_uri": "urn:x", "expires_in": 90 });
    let world = world(&[(400, to_web)]);
    let sign_in = browser(begin(&world).await.unwrap());
    let query: BTreeMap<String, String> = sign_in.address().query_pairs().into_owned().collect();
    let expected = [("client_id", "bestow"), ("request_uri", "urn:x")];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let first = asked(&world)[0].form();
    let back = format!("code=c&state={}", first["state"]);
    world.wallet.finish_sign_in(sign_in, &back).await.unwrap();
    let form = world.network.sent_to(&endpoint("token"))[0].form();
    let verifier = CodeVerifier::new(form["code_verifier"].clone());
    assert_eq!(verifier.challenge().to_text(), first["code_challenge"], "it is the same request");
}

/// Where the server has nothing of the kind, knows this wallet as somebody else's, or wants a browser
/// and says no more, the wallet begins anew, in a browser.
#[tokio::test]
async fn everywhere_else_a_browser_does_it() {
    for answer in [
        json!({ "error": "redirect_to_web" }),
        json!({ "error": "unauthorized_client", "error_description": "not first party" }),
    ] {
        let world = world(&[(400, answer)]);
        let sign_in = browser(begin(&world).await.unwrap());
        let query: BTreeMap<_, _> = sign_in.address().query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(asked(&world).len(), 1);
    }
    let world = World::new();
    let mut server = server_metadata();
    server["authorization_endpoint"] = endpoint("authorize").into();
    world.network.says(SERVER_METADATA, 200, server);
    browser(begin(&world).await.unwrap());
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_ends_it() {
    for (row, answer, class, code) in [
        (
            "no session",
            (400, json!({ "error": "insufficient_authorization" })),
            Class::Refused,
            "bad_answer",
        ),
        ("no code", (200, json!({ "code": "c" })), Class::Refused, "bad_answer"),
        ("refused", (400, json!({ "error": "invalid_scope" })), Class::Refused, "invalid_scope"),
        ("nothing", (500, Value::Null), Class::Refused, "refused"),
    ] {
        let world = world(&[answer]);
        let error = begin(&world).await.unwrap_err();
        assert_eq!((error.class(), error.code()), (class, code), "{row}");
    }
    let expired = (400, json!({ "error": "invalid_session" }));
    let world = world(&[insufficient("one"), expired]);
    let challenge = asks(begin(&world).await.unwrap());
    let password = GivenPassword::new(PASSWORD);
    let error = world.wallet.answer_challenge(challenge, "ada", &password).await.unwrap_err();
    assert_eq!(error.code(), "invalid_session");
}

/// Catalogue M02 to M05: passwords go to the issuer's own house.
#[tokio::test]
async fn a_password_goes_nowhere_else() {
    let world = world(&[]);
    publish(&world, "https://attacker.example/authorize-challenge");
    let error = resolve(&world).await.unwrap_err();
    assert_eq!(error, WalletError::ForeignEndpoint { host: "attacker.example".to_owned() });
}

#[tokio::test]
async fn sessions_and_passwords_are_not_printed() {
    let world = world(&[insufficient("session-canary")]);
    let challenged = begin(&world).await.unwrap();
    assert_eq!(format!("{challenged:?}"), "Asks(Challenge(..))");
    assert_eq!(format!("{:?}", GivenPassword::new(PASSWORD)), "GivenPassword(..)");
}

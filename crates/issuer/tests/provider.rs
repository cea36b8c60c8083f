//! Signing in at an OpenID Provider, over the router, with providers that lie (OIDC §3.1).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use keys::algorithm::Algorithm;
use keys::outside::Clock as _;
use keys::signer::SoftwareKey;
use serde_json::{Map, Value, json};
use testkit::provider::{CLIENT_ID, TestProvider, named};
use testkit::sign_in::{Browser, CLIENT, parameter, with_client};
use testkit::wire::Answer;
use testkit::world::World;

/// A world in which one can sign in there, and the provider.
async fn world(change: impl FnOnce(&mut issuer::config::SignIn)) -> (World, TestProvider) {
    let provider = TestProvider::start().await;
    let world = World::with(|issuer| {
        with_client(issuer);
        provider.trusted_by(issuer, change);
    })
    .await;
    (world, provider)
}

fn address(world: &World) -> String {
    world.authorize(&world.authorization_request("student_card", &[]))
}

/// Goes to the provider; its address and the page that led there result.
async fn leave(world: &World, browser: &mut Browser) -> (String, String) {
    let (path, page) = browser.open(&address(world)).await;
    assert!(page.text().contains("Sign in at Riverside Login"), "{}", page.text());
    let (_, answer) = browser.open(&format!("{path}/provider")).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    (path, answer.header("location").to_owned())
}

/// The way back, with a code.
fn back(world: &World, provider: &TestProvider, there: &str) -> String {
    let state = parameter(there, "state").unwrap();
    let iss = provider.issuer.replace(':', "%3A").replace('/', "%2F");
    format!("{}?code=c0de&state={state}&iss={iss}", world.issuer.endpoint("sign-in/callback"))
}

/// What the provider says of Ada, in this way.
async fn says(world: &World, provider: &TestProvider, there: &str, change: &Value) -> String {
    let nonce = parameter(there, "nonce").unwrap();
    let mut claims = provider.person(&nonce, world.clock.now());
    claims.extend(change.as_object().unwrap().clone());
    provider.sign(&json!({ "kid": "1" }), &claims).await
}

/// A way that ends at a page.
async fn tried(
    world: &World,
    provider: &TestProvider,
    change: &Value,
) -> (Browser, String, Answer) {
    let mut browser = Browser::of(&world.public);
    let (_, there) = leave(world, &mut browser).await;
    provider.answer(&says(world, provider, &there, change).await);
    let (path, page) = browser.open(&back(world, provider, &there)).await;
    (browser, path, page)
}

/// The whole way: what the provider says is shown, consented to, and issued.
#[tokio::test]
async fn a_person_signs_in_at_the_provider() {
    let (world, provider) = world(|_| {}).await;
    let mut browser = Browser::of(&world.public);
    let (_, there) = leave(&world, &mut browser).await;
    assert!(there.starts_with(&format!("{}/authorize?", provider.issuer)), "{there}");
    let value = |name| parameter(&there, name).unwrap();
    assert_eq!(value("client_id"), CLIENT_ID);
    assert_eq!(value("redirect_uri"), "https://issuer.example/sign-in/callback");
    assert_eq!(
        (value("scope"), value("code_challenge_method")),
        ("openid profile".into(), "S256".into())
    );
    provider.answer(&says(&world, &provider, &there, &json!({})).await);
    let (path, page) = browser.open(&back(&world, &provider, &there)).await;
    let text = page.text();
    for shown in ["Ada Lovelace", "Ada", "Lovelace", "1815-12-10", "S-1", "London"] {
        assert!(text.contains(shown), "AUTHZ-25: {shown}: {text}");
    }
    let form = provider.answers().forms[0].clone();
    let sent = |name: &str| form.iter().find(|(given, _)| given == name).unwrap().1.clone();
    assert_eq!((sent("grant_type"), sent("code")), ("authorization_code".into(), "c0de".into()));
    let verifier = oid4vci::secret::CodeVerifier::new(sent("code_verifier"));
    assert_eq!(verifier.challenge().to_text(), value("code_challenge"), "RFC 7636 §4.5");
    let allowed = browser.send(&path, &page, &[("answer", "allow")]).await;
    let code = parameter(allowed.header("location"), "code").unwrap();
    let tokens = world.redeem_code(&code, &[]).await.success();
    assert_eq!(tokens["token_type"], "Bearer");
    let again = browser.open(&back(&world, &provider, &there)).await.1;
    assert_eq!(again.status, 400, "the way back is good once");
}

/// OIDC §3.1.3.7: each lie leaves the person where they were, with something to do.
#[tokio::test]
async fn a_lying_provider_signs_nobody_in() {
    let (world, provider) = world(|_| {}).await;
    let now = world.clock.now().0;
    for (row, change) in [
        ("iss", json!({ "iss": "https://evil.example" })),
        ("aud", json!({ "aud": "somebody else" })),
        ("a second aud", json!({ "aud": [CLIENT_ID, "somebody else"] })),
        ("azp", json!({ "azp": "somebody else" })),
        ("nonce", json!({ "nonce": "of another sign-in" })),
        ("exp", json!({ "exp": now - 61 })),
        ("iat", json!({ "iat": now - 700 })),
        ("sub", json!({ "sub": "" })),
    ] {
        let (mut browser, _, page) = tried(&world, &provider, &change).await;
        assert_eq!(page.status, 502, "{row}: {}", page.text());
        assert!(page.text().contains("You did nothing"), "{row}");
        assert!(!page.text().contains("Lovelace"), "{row}");
        let form = page.text().split_once("method=\"post\" action=\"").unwrap().1.to_owned();
        let path = form.split_once('"').unwrap().0;
        let skipped = browser.send(path, &page, &[("answer", "allow")]).await;
        assert_eq!(skipped.status, 400, "{row}: nobody has signed in");
    }
}

/// RFC 8725 §3.2 and OIDC §3.1.3.7: signatures that anybody could make.
#[tokio::test]
async fn an_id_token_that_the_provider_did_not_sign_is_none() {
    let (world, provider) = world(|_| {}).await;
    let forger = SoftwareKey::generate(Algorithm::Es256).unwrap();
    for row in ["none", "another key", "cut", "an access token", "no token", "HS256"] {
        let mut browser = Browser::of(&world.public);
        let (_, there) = leave(&world, &mut browser).await;
        let good = says(&world, &provider, &there, &json!({})).await;
        let claims = good.split('.').nth(1).unwrap();
        let id_token = match row {
            "none" => format!("eyJhbGciOiJub25lIn0.{claims}."),
            "HS256" => format!("eyJhbGciOiJIUzI1NiJ9.{claims}.AAAA"),
            "another key" => {
                let nonce = parameter(&there, "nonce").unwrap();
                let claims = Value::from(provider.person(&nonce, world.clock.now())).to_string();
                keys::jws::sign(Map::new(), claims.as_bytes(), &forger).await.unwrap()
            }
            "an access token" => {
                let nonce = parameter(&there, "nonce").unwrap();
                let claims = provider.person(&nonce, world.clock.now());
                provider.sign(&json!({ "typ": "at+jwt", "kid": "1" }), &claims).await
            }
            "cut" => good.rsplit_once('.').unwrap().0.to_owned(),
            _ => String::new(),
        };
        provider.answer(&id_token);
        let (_, page) = browser.open(&back(&world, &provider, &there)).await;
        assert_eq!(page.status, 502, "{row}: {}", page.text());
    }
}

/// RFC 6749 §10.12, RFC 9207 §2.4: what another browser began, or another server answers.
#[tokio::test]
async fn an_answer_belongs_to_one_browser_and_one_provider() {
    let (world, provider) = world(|_| {}).await;
    let (mut victim, mut attacker) = (Browser::of(&world.public), Browser::of(&world.public));
    let (path, there) = leave(&world, &mut attacker).await;
    provider.answer(&says(&world, &provider, &there, &json!({})).await);
    let answer = back(&world, &provider, &there);
    assert_eq!(victim.open(&answer).await.1.status, 400, "a browser that never left");
    leave(&world, &mut victim).await;
    assert_eq!(victim.open(&answer).await.1.status, 400, "one that left for itself");
    assert_eq!(provider.answers().forms.len(), 0, "the code was not even sent");
    let mixed = answer.replace("iss=http", "iss=https");
    let (_, page) = attacker.open(&mixed).await;
    assert_eq!(page.status, 502, "mix-up: {}", page.text());
    assert_eq!(provider.answers().forms.len(), 0, "nor to anybody in a mix-up");
    assert_eq!(attacker.open(&answer).await.1.status, 400, "and that way is over");
    assert_eq!(attacker.open(&path).await.1.status, 400, "as is the page before");
    for query in ["", "code=c", "code=c&state=x", "state=AAAA&state=BBBB"] {
        let address = format!("{}?{query}", world.issuer.endpoint("sign-in/callback"));
        assert_eq!(attacker.open(&address).await.1.status, 400, "{query}");
    }
    let mut other = Browser::of(&world.public);
    let (_, there) = leave(&world, &mut other).await;
    other.forget();
    assert_eq!(other.open(&back(&world, &provider, &there)).await.1.status, 400);
    let mut late = Browser::of(&world.public);
    let (_, there) = leave(&world, &mut late).await;
    world.clock.advance(600);
    assert_eq!(late.open(&back(&world, &provider, &there)).await.1.status, 400, "too late");
}

/// What the provider refuses is told in words for people, and they can try again.
#[tokio::test]
async fn who_is_not_signed_in_can_try_again() {
    let (world, provider) = world(|_| {}).await;
    let mut browser = Browser::of(&world.public);
    let (path, there) = leave(&world, &mut browser).await;
    assert_eq!(browser.open(&path).await.1.status, 200, "the page before is still there");
    let denied = back(&world, &provider, &there).replace("code=c0de", "error=access_denied");
    let (_, page) = browser.open(&denied).await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("You were not signed in there"), "{}", page.text());
    let link =
        page.text().split_once("/provider\"").unwrap().0.rsplit_once('"').unwrap().1.to_owned();
    let (_, answer) = browser.open(&format!("{link}/provider")).await;
    let there = answer.header("location").to_owned();
    provider.answers().tokens = (400, json!({ "error": "invalid_client" }));
    let (_, page) = browser.open(&back(&world, &provider, &there)).await;
    assert_eq!(page.status, 502);
    let id = page.header("x-request-id").to_owned();
    assert!(!id.is_empty() && page.text().contains(&id), "the log's id: {}", page.text());
    let link =
        page.text().split_once("/provider\"").unwrap().0.rsplit_once('"').unwrap().1.to_owned();
    provider.answers().metadata = json!({});
    world.clock.advance(60);
    let (_, answer) = browser.open(&format!("{link}/provider")).await;
    assert_eq!(answer.status, 303, "what is known of the provider is kept for a while");
    let signed_in = says(&world, &provider, answer.header("location"), &json!({})).await;
    provider.answer(&signed_in);
    let (_, page) = browser.open(&back(&world, &provider, answer.header("location"))).await;
    assert_eq!(page.status, 200, "{}", page.text());
}

/// A provider that is away, or somebody else's, is no dead end.
#[tokio::test]
async fn a_provider_that_is_not_there_is_said_so() {
    let (world, provider) = world(|_| {}).await;
    provider.answers().metadata["issuer"] = "https://evil.example".into();
    let mut browser = Browser::of(&world.public);
    let (path, _) = browser.open(&address(&world)).await;
    let (_, page) = browser.open(&format!("{path}/provider")).await;
    assert_eq!(page.status, 502, "OIDC Discovery §4.3");
    assert!(page.text().contains(CLIENT) || page.text().contains("Test Wallet"));
}

/// Keys change: a fresh one is found at once, an unknown one makes us ask once in a while only.
#[tokio::test]
async fn keys_of_the_provider_are_read_again_within_bounds() {
    let (world, mut provider) = world(|_| {}).await;
    let (_, _, page) = tried(&world, &provider, &json!({})).await;
    assert_eq!((page.status, provider.answers().jwks_reads), (200, 1));
    world.clock.advance(60);
    provider.key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let jwk = named(&provider.key, "2");
    provider.answers().jwks = json!({ "keys": [jwk] });
    for expected in [200, 502, 502] {
        let mut browser = Browser::of(&world.public);
        let (_, there) = leave(&world, &mut browser).await;
        let nonce = parameter(&there, "nonce").unwrap();
        let kid = if expected == 200 { "2" } else { "3" };
        let person = provider.person(&nonce, world.clock.now());
        provider.answer(&provider.sign(&json!({ "kid": kid }), &person).await);
        let (_, page) = browser.open(&back(&world, &provider, &there)).await;
        assert_eq!(page.status, expected);
    }
    assert_eq!(provider.answers().jwks_reads, 2);
}

/// OIDC §5.3.2, and claims that do not fit the type give nothing.
#[tokio::test]
async fn what_the_provider_says_must_fit() {
    let (world, provider) = world(|sign_in| sign_in.userinfo = true).await;
    provider.answers().userinfo = json!({ "sub": "another", "birthdate": "1900-01-01" });
    let (_, _, page) = tried(&world, &provider, &json!({})).await;
    assert_eq!(page.status, 502, "somebody else's userinfo");
    provider.answers().userinfo = json!({ "sub": "248289", "birthdate": "1815-12-10" });
    let (_, _, page) = tried(&world, &provider, &json!({ "birthdate": null })).await;
    assert_eq!(page.status, 303, "null is no birth date, and the ID token has the last word");
    let (_, _, page) = tried(&world, &provider, &json!({})).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(provider.answers().authorizations.last().unwrap(), "Bearer of the provider");
    let (_, _, page) = tried(&world, &provider, &json!({ "birthdate": "yesterday" })).await;
    let error = parameter(page.header("location"), "error");
    assert_eq!(error.as_deref(), Some("access_denied"), "nothing to have");
}

/// The operator's word about a person who signs in elsewhere, and offers for that person alone.
#[tokio::test]
async fn an_account_of_somebody_elsewhere_has_no_password() {
    let (world, provider) = world(|sign_in| sign_in.accounts = false).await;
    let name = format!("{}#248289", provider.issuer);
    let sample = Value::Object(world.issuer.types["diploma"].sample());
    let mut body =
        json!({ "name": name, "password": "long enough", "claims": { "diploma": sample } });
    let make = async |body: &Value| world.operator("POST", "/admin/v1/accounts", Some(body)).await;
    assert_eq!(make(&body).await.status, 422, "nobody can sign in here in this name");
    body.as_object_mut().unwrap().remove("password");
    assert_eq!(make(&body).await.status, 201);
    let mut browser = Browser::of(&world.public);
    let request = world.authorization_request("diploma", &[]);
    let (path, page) = browser.open(&world.authorize(&request)).await;
    assert!(!page.text().contains("type=\"password\""), "accounts = false");
    let fields = [("account", name.as_str()), ("password", "long enough"), ("answer", "sign-in")];
    assert_eq!(browser.send(&path, &page, &fields).await.status, 400);
    let (_, answer) = browser.open(&format!("{path}/provider")).await;
    let there = answer.header("location").to_owned();
    provider.answer(&says(&world, &provider, &there, &json!({})).await);
    let (_, page) = browser.open(&back(&world, &provider, &there)).await;
    assert_eq!(page.status, 200, "{}", page.text());
}

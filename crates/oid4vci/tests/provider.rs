//! What a provider says, and who else could have said it (OIDC §3.1.3.7).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use keys::algorithm::Algorithm;
use keys::digest::MacKey;
use keys::jws::{self, Jws};
use keys::key_set::KeySet;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::authorization::{AnswerTo, AuthorizationRequest, RunningAuthorization, Stage};
use oid4vci::offer::OfferId;
use oid4vci::provider::{
    AuthenticationRequest, BrowserSecret, ID_TOKEN_BYTES_MAX, IdTokenContext, ProviderMetadata,
    ProviderRefusal, ProviderState, SignInSecrets, check_userinfo, is_provider, metadata_address,
    received, verify_id_token,
};
use oid4vci::secret::{CodeVerifier, SecretDigest};
use serde_json::{Map, Value, json};
use url::Url;

const ISSUER: &str = "https://login.example";
const NOW: Timestamp = Timestamp(1_800_000_000);

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn metadata_of(change: &Value) -> Result<ProviderMetadata, ProviderRefusal> {
    let mut document = object(json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example/authorize?tenant=1",
        "token_endpoint": "https://login.example/token",
        "jwks_uri": "https://keys.example/jwks",
    }));
    for (name, value) in change.as_object().unwrap() {
        document.insert(name.clone(), value.clone());
    }
    ProviderMetadata::read(&document, ISSUER)
}

/// OIDC Discovery §4.3, and no endpoint is less safe than what names it.
#[test]
fn metadata_speak_for_the_provider_that_was_asked() {
    let read =
        metadata_of(&json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] }));
    let read = read.unwrap();
    assert!(read.secret_in_body && !read.always_has_iss && read.userinfo_endpoint.is_none());
    assert!(!metadata_of(&json!({})).unwrap().secret_in_body, "OIDC §9");
    for (row, change, refusal) in [
        ("another", json!({ "issuer": "https://evil.example" }), ProviderRefusal::OtherProvider),
        ("a slash", json!({ "issuer": "https://login.example/" }), ProviderRefusal::OtherProvider),
        ("none", json!({ "jwks_uri": null }), ProviderRefusal::NoEndpoint),
        (
            "http",
            json!({ "token_endpoint": "http://login.example/token" }),
            ProviderRefusal::UnsafeEndpoint,
        ),
        ("inside", json!({ "jwks_uri": "http://127.0.0.1/jwks" }), ProviderRefusal::UnsafeEndpoint),
        (
            "file",
            json!({ "userinfo_endpoint": "file:///etc/passwd" }),
            ProviderRefusal::UnsafeEndpoint,
        ),
    ] {
        assert_eq!(metadata_of(&change).unwrap_err(), refusal, "{row}");
    }
    let address = metadata_address("https://login.example/realms/a/").unwrap();
    assert_eq!(
        address.as_str(),
        "https://login.example/realms/a/.well-known/openid-configuration",
        "OIDC Discovery §4"
    );
    for (issuer, can) in [
        (ISSUER, true),
        ("http://localhost:3000", true),
        ("http://127.0.0.1:3000/x", true),
        ("http://login.example", false),
        ("https://login.example/?a", false),
        ("https://login.example/#a", false),
        ("https://user@login.example", false),
        ("login.example", false),
    ] {
        assert_eq!(is_provider(issuer), can, "{issuer}");
    }
}

fn running() -> RunningAuthorization {
    RunningAuthorization {
        id: OfferId([3; 16]),
        handle_digest: SecretDigest([4; 32]),
        expires_at: NOW.plus(600),
        stage: Stage::Opened,
        request: AuthorizationRequest {
            client_id: "wallet".into(),
            answer_to: AnswerTo { redirect_uri: "https://w.example/".into(), state: None },
            code_challenge: CodeVerifier::new("v".repeat(43)).challenge(),
            credential_configuration_ids: vec!["card".into()],
            by_identifier: false,
            scope: None,
            claims: [].into(),
            dpop_jkt: None,
            offer_id: None,
            dialect: None,
            by_challenge: false,
        },
    }
}

fn browser(byte: u8) -> BrowserSecret {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode([byte; 32]);
    BrowserSecret::parse(&text).unwrap()
}

#[derive(Debug)]
struct Zero;

impl keys::outside::Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// RFC 6749 §10.12: the way back belongs to one browser, one request and one stage.
#[test]
fn a_way_back_is_for_the_browser_that_left() {
    let key = MacKey::new([1; 32]);
    let (running, mine) = (running(), browser(1));
    let secrets = SignInSecrets::fresh(&key, &mine, &running, &Zero);
    let state = ProviderState::parse(secrets.state().expose()).unwrap();
    assert_eq!(state.id(), running.id);
    let again = SignInSecrets::again(&key, &mine, &running, &state);
    assert!(again.made(&state) && again.nonce() == secrets.nonce());
    assert_eq!(again.code_verifier().expose(), secrets.code_verifier().expose());
    let moved = RunningAuthorization { handle_digest: SecretDigest([5; 32]), ..running.clone() };
    let other = RunningAuthorization { id: OfferId([9; 16]), ..running.clone() };
    for (row, again) in [
        ("another browser", SignInSecrets::again(&key, &browser(2), &running, &state)),
        ("a later stage", SignInSecrets::again(&key, &mine, &moved, &state)),
        ("another request", SignInSecrets::again(&key, &mine, &other, &state)),
        ("another issuer", SignInSecrets::again(&MacKey::new([2; 32]), &mine, &running, &state)),
    ] {
        assert!(!again.made(&state) && again.nonce() != secrets.nonce(), "{row}");
    }
    for text in ["", "x", &"A".repeat(85), &"A".repeat(4096)] {
        assert!(ProviderState::parse(text).is_none(), "{text}");
    }
}

#[test]
fn the_request_has_all_that_ties_the_answer_to_it() {
    let secrets = SignInSecrets::fresh(&MacKey::new([1; 32]), &browser(1), &running(), &Zero);
    let request = AuthenticationRequest {
        client_id: "bestow",
        redirect_uri: "https://issuer.example/sign-in/callback",
        scope: "openid profile",
        secrets: &secrets,
    };
    let address = request.address(&metadata_of(&json!({})).unwrap().authorization_endpoint);
    let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let value = |name: &str| pairs.iter().find(|(given, _)| given == name).unwrap().1.as_str();
    assert_eq!(value("tenant"), "1", "RFC 6749 §3.1");
    assert_eq!((value("response_type"), value("code_challenge_method")), ("code", "S256"));
    assert_eq!(value("code_challenge"), secrets.code_verifier().challenge().to_text());
    assert_eq!((value("nonce"), value("state")), (secrets.nonce(), secrets.state().expose()));
    assert!(!address.as_str().contains(secrets.code_verifier().expose()));
}

/// RFC 9207 §2.4, OIDC §3.1.2.6
#[test]
fn an_answer_is_of_the_provider_that_was_asked() {
    let always = json!({ "authorization_response_iss_parameter_supported": true });
    let (metadata, silent) = (metadata_of(&always).unwrap(), metadata_of(&json!({})).unwrap());
    let secrets = SignInSecrets::fresh(&MacKey::new([1; 32]), &browser(1), &running(), &Zero);
    let state = secrets.state();
    let own = format!("state={}", state.expose());
    let here = "iss=https%3A%2F%2Flogin.example";
    let code = received(&format!("code=c&{own}&{here}"), &metadata, state).unwrap();
    assert_eq!(code.expose(), "c");
    assert!(received(&format!("code=c&{own}"), &silent, state).is_ok());
    for (query, refusal) in [
        (format!("code=c&{own}"), ProviderRefusal::MixUp),
        (format!("code=c&{own}&iss=https%3A%2F%2Fevil.example"), ProviderRefusal::MixUp),
        (format!("code=c&state=x&{here}"), ProviderRefusal::OtherBrowser),
        (format!("{own}&{here}"), ProviderRefusal::UnreadableAnswer),
        (format!("code=c&code=d&{own}&{here}"), ProviderRefusal::UnreadableAnswer),
        (format!("error=access_denied&{own}&{here}"), ProviderRefusal::Denied),
        (format!("error=login_required&{own}&{here}"), ProviderRefusal::Denied),
        (format!("error=invalid_scope&{own}&{here}"), ProviderRefusal::Misconfigured),
        (format!("error=server_error&{own}&{here}"), ProviderRefusal::TryAgain),
        (format!("error=surprise&{own}&{here}"), ProviderRefusal::Refused),
    ] {
        assert_eq!(received(&query, &metadata, state).unwrap_err(), refusal, "{query}");
    }
}

fn context() -> IdTokenContext<'static> {
    IdTokenContext {
        issuer: ISSUER,
        client_id: "bestow",
        nonce: "the nonce",
        window_seconds: 60,
        now: NOW,
    }
}

async fn id_token(key: &SoftwareKey, header: Value, change: Value) -> Jws {
    let mut claims = object(json!({
        "iss": ISSUER, "aud": "bestow", "sub": "24400320", "nonce": "the nonce",
        "iat": NOW.0 - 5, "exp": NOW.0 + 300,
    }));
    for (name, value) in object(change) {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    let text = Value::from(claims).to_string();
    let jwt = jws::sign(object(header), text.as_bytes(), key).await.unwrap();
    Jws::parse_with_rsa(&jwt, ID_TOKEN_BYTES_MAX).unwrap()
}

/// OIDC §3.1.3.7, one rule after the other.
#[tokio::test]
async fn an_id_token_is_for_us_now_and_of_the_provider() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let set = json!({ "keys": [key.public_key().to_jwk()] });
    let keys = KeySet::from_value(&object(set)).unwrap();
    for (row, change) in [
        ("plain", json!({})),
        ("one audience in an array", json!({ "aud": ["bestow"], "azp": "bestow" })),
        ("our clock is a little ahead", json!({ "exp": NOW.0 - 59 })),
        ("a little behind", json!({ "iat": NOW.0 + 60 })),
    ] {
        let jws = id_token(&key, json!({}), change).await;
        let subject = verify_id_token(&jws, &keys, &context()).unwrap();
        assert_eq!(subject.sub(), "24400320", "{row}");
    }
    for (row, change, refusal) in [
        ("iss", json!({ "iss": "https://evil.example" }), ProviderRefusal::WrongIssuer),
        ("no iss", json!({ "iss": null }), ProviderRefusal::WrongIssuer),
        ("aud", json!({ "aud": "another" }), ProviderRefusal::WrongAudience),
        ("a second aud", json!({ "aud": ["bestow", "another"] }), ProviderRefusal::WrongAudience),
        ("no aud", json!({ "aud": null }), ProviderRefusal::WrongAudience),
        ("azp", json!({ "azp": "another" }), ProviderRefusal::WrongAudience),
        ("exp", json!({ "exp": NOW.0 - 60 }), ProviderRefusal::Expired),
        ("no exp", json!({ "exp": null }), ProviderRefusal::NoTime),
        ("no iat", json!({ "iat": null }), ProviderRefusal::NoTime),
        ("iat as text", json!({ "iat": "now" }), ProviderRefusal::NoTime),
        ("an old one", json!({ "iat": NOW.0 - 661 }), ProviderRefusal::Expired),
        ("a future one", json!({ "iat": NOW.0 + 61 }), ProviderRefusal::NotYetValid),
        ("nbf", json!({ "nbf": NOW.0 + 61 }), ProviderRefusal::NotYetValid),
        ("nonce", json!({ "nonce": "another" }), ProviderRefusal::WrongNonce),
        ("no nonce", json!({ "nonce": null }), ProviderRefusal::WrongNonce),
        ("no sub", json!({ "sub": null }), ProviderRefusal::NoSubject),
        ("an empty sub", json!({ "sub": "" }), ProviderRefusal::NoSubject),
        ("a long sub", json!({ "sub": "x".repeat(256) }), ProviderRefusal::NoSubject),
        ("a number", json!({ "sub": 7 }), ProviderRefusal::NoSubject),
    ] {
        let jws = id_token(&key, json!({}), change).await;
        assert_eq!(verify_id_token(&jws, &keys, &context()).unwrap_err(), refusal, "{row}");
    }
    let access = id_token(&key, json!({ "typ": "at+jwt" }), json!({})).await;
    let refusal = verify_id_token(&access, &keys, &context()).unwrap_err();
    assert_eq!(refusal, ProviderRefusal::NotAnIdToken, "RFC 8725 §3.12");
    let forger = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let by_forger = id_token(&forger, json!({}), json!({})).await;
    let refusal = verify_id_token(&by_forger, &keys, &context()).unwrap_err();
    assert_eq!(refusal, ProviderRefusal::WrongSignature);
    let renamed = id_token(&key, json!({ "kid": "2" }), json!({})).await;
    let refusal = verify_id_token(&renamed, &keys, &context()).unwrap_err();
    assert_eq!(refusal, ProviderRefusal::UnknownKey);
    let none = "eyJhbGciOiJub25lIn0.e30.";
    let refusal = Jws::parse_with_rsa(none, ID_TOKEN_BYTES_MAX).unwrap_err();
    assert_eq!(ProviderRefusal::from(refusal), ProviderRefusal::Algorithm, "RFC 8725 §3.2");
}

/// OIDC §5.3.2: somebody else's claims are not taken, and the ID Token has the last word.
#[tokio::test]
async fn userinfo_is_about_the_same_person() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let keys = KeySet::from_value(&object(json!({ "keys": [key.public_key().to_jwk()] }))).unwrap();
    let jws = id_token(&key, json!({}), json!({ "name": "Ada" })).await;
    let subject = verify_id_token(&jws, &keys, &context()).unwrap();
    let same = object(json!({ "sub": "24400320", "name": "Eve", "email": "a@b.example" }));
    check_userinfo(&same, &subject).unwrap();
    for other in [json!({ "sub": "1" }), json!({ "name": "Ada" })] {
        let refusal = check_userinfo(&object(other), &subject).unwrap_err();
        assert_eq!(refusal, ProviderRefusal::OtherPerson);
    }
    let both = subject.with_userinfo(same);
    assert_eq!(
        (&both.claims()["name"], &both.claims()["email"]),
        (&json!("Ada"), &json!("a@b.example"))
    );
    assert!(Url::parse(ISSUER).is_ok());
}

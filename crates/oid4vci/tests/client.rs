//! RFC 6749 §2, RFC 7523 §3 and RFC 8252 §7 as tables: who a client is, and where it is answered.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

#[macro_use]
mod refusals;

use keys::algorithm::Algorithm;
use keys::jws;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::client::{
    ASSERTION_TYPE, AuthenticatedClient, Client, ClientAuthentication, ClientContext,
    ClientCredentials, ClientKey, ClientRefusal, RedirectUri, authenticate,
};
use oid4vci::error::{ErrorCode, Refusal as _};
use oid4vci::token::{TokenRefusal, TokenRequest};
use refusals::check_texts;
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_750_000_000);
const SERVER: &str = "https://issuer.example";
const TOKEN_ENDPOINT: &str = "https://issuer.example/token";

fn context() -> ClientContext<'static> {
    let (authorization_server, token_endpoint) = (SERVER, TOKEN_ENDPOINT);
    ClientContext { authorization_server, token_endpoint, window_seconds: 60, now: NOW }
}

fn client(authentication: ClientAuthentication, uris: &[&str]) -> Client {
    let parse = |uri: &&str| RedirectUri::parse(uri).unwrap();
    Client {
        client_id: "wallet".into(),
        name: "Wallet".into(),
        authentication,
        redirect_uris: uris.iter().map(parse).collect(),
        is_first_party: false,
        signs_requests: false,
    }
}

fn keyed(keys: &[(&SoftwareKey, Option<&str>)]) -> Client {
    let key = |(key, kid): &(&SoftwareKey, Option<&str>)| ClientKey {
        kid: kid.map(str::to_owned),
        key: key.public_key().clone(),
    };
    client(ClientAuthentication::PrivateKeyJwt(keys.iter().map(key).collect()), &[])
}

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn signed(key: &SoftwareKey, kid: Option<&str>, change: &[(&str, Value)]) -> String {
    let mut claims = json!({
        "iss": "wallet", "sub": "wallet", "aud": SERVER, "jti": "once",
        "iat": NOW.0, "exp": NOW.0 + 60,
    });
    for (name, value) in change {
        claims[*name] = value.clone();
    }
    let mut header = Map::new();
    header.extend(kid.map(|kid| ("kid".to_owned(), kid.into())));
    jws::sign(header, claims.to_string().as_bytes(), key).await.unwrap()
}

fn verdict(jwt: &str, client: &Client) -> Result<AuthenticatedClient, ClientRefusal> {
    let assertion = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jwt)];
    let credentials = ClientCredentials::parse(&form(&assertion)).unwrap();
    authenticate(&credentials, Some(client), &context())
}

/// RFC 8252 §7, RFC 6749 §3.1.2: what can be registered.
#[test]
fn a_redirect_uri_is_one_that_can_be_trusted() {
    let cases = [
        ("https://wallet.example/cb?a=1", true),
        ("com.example.wallet:/cb", true),
        ("openid4vci://cb", true),
        ("http://127.0.0.1/cb", true),
        ("http://[::1]:8080/cb", true),
        ("http://localhost/cb", false), // RFC 8252 §8.3
        ("http://wallet.example/cb", false),
        ("https://wallet.example/cb#part", false),
        ("https://user@wallet.example/cb", false),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("/cb", false),
        ("https://wallet.example/c b", false),
        ("", false),
    ];
    for (uri, allowed) in cases {
        assert_eq!(RedirectUri::parse(uri).is_some(), allowed, "{uri}");
    }
}

/// AUTHZ-01, SEC-01, B21, RFC 6749 §3.1.2.3, RFC 8252 §7.3: equal but for the port of this machine.
#[test]
fn only_a_registered_address_gets_an_answer() {
    let web = "https://wallet.example/cb";
    let public = client(ClientAuthentication::None, &[web, "http://127.0.0.1/cb"]);
    let cases = [
        (web, true),
        ("https://wallet.example/cb/", false),
        ("https://wallet.example/cb/../evil", false),
        ("https://wallet.example/cb?x=1", false),
        ("https://wallet.example.evil/cb", false),
        ("https://WALLET.example/cb", false),
        ("https://wallet.example:443/cb", false),
        ("http://127.0.0.1/cb", true),
        ("http://127.0.0.1:49152/cb", true),
        ("http://127.0.0.1:49152/cb/x", false),
        ("http://127.0.0.1:99999/cb", false),
        ("http://127.0.0.1:1@evil.example/cb", false),
        ("http://127.0.0.1.evil.example/cb", false),
        ("http://127.0.0.2:1/cb", false),
        ("http://localhost:1/cb", false),
        ("http://[::1]:1/cb", false),
        ("https://127.0.0.1:1/cb", false),
    ];
    for (uri, allowed) in cases {
        assert_eq!(public.allows_redirect_to(uri), allowed, "{uri}");
    }
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let key = ClientKey { kid: None, key: key.public_key().clone() };
    let server = ClientAuthentication::PrivateKeyJwt(vec![key]);
    let confidential = client(server, &["http://127.0.0.1/cb"]);
    let own_machine = "http://127.0.0.1:49152/cb";
    assert!(confidential.allows_redirect_to(own_machine), "RFC 8252 §8.4: an app with a key");
    assert!(!confidential.allows_redirect_to(web), "and nothing else");
}

/// RFC 6749 §3.2.1, TOKEN-05: each client in the way it is registered for.
#[tokio::test]
async fn a_client_proves_itself_as_it_is_registered() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let (public, keyed) = (client(ClientAuthentication::None, &[]), keyed(&[(&key, None)]));
    let plain = ClientCredentials::parse(&form(&[("client_id", "wallet")])).unwrap();
    let nothing = ClientCredentials::default();
    let refused = |credentials: &ClientCredentials, client: Option<&Client>| {
        authenticate(credentials, client, &context()).map(|_| ()).unwrap_err()
    };
    let authenticated = authenticate(&plain, Some(&public), &context()).unwrap();
    assert!(authenticated.is_public() && authenticated.used().is_none());
    assert_eq!(authenticated.client_id(), "wallet");
    assert_eq!(refused(&plain, None), ClientRefusal::Unknown);
    assert_eq!(refused(&nothing, Some(&public)), ClientRefusal::Missing);
    assert_eq!(refused(&plain, Some(&keyed)), ClientRefusal::WrongMethod, "its key is needed");
    let jwt = signed(&key, None, &[]).await;
    assert_eq!(verdict(&jwt, &public).unwrap_err(), ClientRefusal::WrongMethod);
    let authenticated = verdict(&jwt, &keyed).unwrap();
    assert!(!authenticated.is_public() && authenticated.used().is_some());
    let other = form(&[
        ("client_id", "another"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &jwt),
    ]);
    let other = ClientCredentials::parse(&other).unwrap();
    assert_eq!(refused(&other, Some(&keyed)), ClientRefusal::Unknown, "RFC 7521 §4.2");
    let typed = form(&[("client_assertion_type", "saml"), ("client_assertion", &jwt)]);
    assert_eq!(ClientCredentials::parse(&typed), Err(ClientRefusal::AssertionType));
    let alone = form(&[("client_assertion", &jwt)]);
    assert_eq!(ClientCredentials::parse(&alone), Err(ClientRefusal::AssertionType));
}

/// RFC 7523 §3, one line a sentence.
#[tokio::test]
async fn an_assertion_is_for_us_now_and_once() {
    use ClientRefusal::{
        BadJti, Expired, NoTime, NotYetValid, OtherClient, TooLongLife, WrongAudience,
    };
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let client = keyed(&[(&key, None)]);
    let cases: [(&str, &str, Value, Option<ClientRefusal>); 17] = [
        ("aud: the token endpoint", "aud", json!(TOKEN_ENDPOINT), None),
        ("aud: an array of us", "aud", json!([SERVER]), None),
        ("aud: others too", "aud", json!([SERVER, "https://evil.example"]), Some(WrongAudience)),
        ("aud: another", "aud", json!("https://evil.example"), Some(WrongAudience)),
        ("aud: nobody", "aud", json!([]), Some(WrongAudience)),
        ("aud: missing", "aud", Value::Null, Some(WrongAudience)),
        ("iss is the client", "iss", json!("another"), Some(OtherClient)),
        ("exp is needed", "exp", Value::Null, Some(NoTime)),
        ("exp is a number", "exp", json!("soon"), Some(NoTime)),
        ("the last second", "exp", json!(NOW.0 - 59), None),
        ("expired, with all that clocks may differ", "exp", json!(NOW.0 - 60), Some(Expired)),
        ("lives for too long", "exp", json!(NOW.0 + 10_000), Some(TooLongLife)),
        ("made in the future", "iat", json!(NOW.0 + 61), Some(NotYetValid)),
        ("not before", "nbf", json!(NOW.0 + 61), Some(NotYetValid)),
        ("a clock ahead", "iat", json!(NOW.0 + 60), None),
        ("jti is needed", "jti", Value::Null, Some(BadJti)),
        ("jti of any length", "jti", json!("j".repeat(300)), Some(BadJti)),
    ];
    for (rule, name, value, refusal) in cases {
        let jwt = signed(&key, None, &[(name, value)]).await;
        assert_eq!(verdict(&jwt, &client).err(), refusal, "{rule}");
    }
    let marks = |jwt: String| verdict(&jwt, &client).unwrap().used().unwrap().marks();
    let first = marks(signed(&key, None, &[]).await);
    let later = marks(signed(&key, None, &[("exp", json!(NOW.0 + 400))]).await);
    let other = marks(signed(&key, None, &[("jti", json!("twice"))]).await);
    assert!(first.iter().any(|mark| later.contains(mark)), "one jti, whatever its exp");
    assert!(!first.iter().any(|mark| other.contains(mark)));
}

/// RFC 7523 §3, RFC 8725 §3.1: one of its own keys, chosen by `kid`.
#[tokio::test]
async fn an_assertion_is_signed_by_the_client() {
    let generate = |algorithm| SoftwareKey::generate(algorithm).unwrap();
    let (own, next) = (generate(Algorithm::Es256), generate(Algorithm::EdDsa));
    let foreign = generate(Algorithm::Es256);
    let client = keyed(&[(&own, Some("a")), (&next, Some("b"))]);
    let cases = [
        (&own, Some("a"), None),
        (&own, None, None),
        (&next, Some("b"), None),
        (&own, Some("b"), Some(ClientRefusal::NoSuchKey)),
        (&own, Some("c"), Some(ClientRefusal::NoSuchKey)),
        (&foreign, Some("a"), Some(ClientRefusal::WrongSignature)),
    ];
    for (key, kid, refusal) in cases {
        assert_eq!(verdict(&signed(key, kid, &[]).await, &client).err(), refusal, "{kid:?}");
    }
    let garbage = form(&[
        ("client_id", "wallet"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", "a.b.c"),
    ]);
    let garbage = ClientCredentials::parse(&garbage).unwrap();
    let refused = authenticate(&garbage, Some(&client), &context());
    assert_eq!(refused.unwrap_err(), ClientRefusal::Unreadable);
}

/// RFC 6749 §A.1, for a Wallet that nobody registered, too.
#[test]
fn a_client_id_is_visible_ascii() {
    let read = |client_id: &str| {
        let read = ClientCredentials::parse(&form(&[("client_id", client_id)]));
        let code = [("grant_type", "urn:ietf:params:oauth:grant-type:pre-authorized_code")];
        let more = [("pre-authorized_code", "c"), ("client_id", client_id)];
        let unregistered = TokenRequest::parse(&form(&[&code[..], &more].concat()));
        let refusal = read.clone().err().map(TokenRefusal::from);
        assert_eq!(unregistered.map(|_| ()).err(), refusal, "{client_id:?}");
        read.map(|read| read.client_id)
    };
    assert_eq!(read("a wallet ~").unwrap().as_deref(), Some("a wallet ~"));
    for bad in ["a\0b", "a\n", "Zo\u{eb}", "\u{202e}a", "\x7f", &"a".repeat(2049)] {
        assert_eq!(read(bad), Err(ClientRefusal::BadClientId), "{bad:?}");
    }
}

/// RFC 6749 §5.2: a client that is refused hears 401.
#[test]
fn each_refusal_has_its_answer() {
    use ClientRefusal::*;
    let all = every!(ClientRefusal {
        RepeatedParameter,
        TooLong,
        BadClientId,
        Missing,
        Unknown,
        WrongMethod,
        AssertionType,
        Unreadable,
        AlgorithmNotSupported,
        CriticalHeader,
        OtherClient,
        WrongAudience,
        NoTime,
        Expired,
        NotYetValid,
        TooLongLife,
        BadJti,
        NoSuchKey,
        WrongSignature,
        PrivateKey,
        BadKey,
        Replayed,
    });
    check_texts(&all.map(|refusal| refusal.answer().1));
    for refusal in all {
        let (code, status) = match refusal {
            RepeatedParameter | TooLong | BadClientId => (ErrorCode::InvalidRequest, 400),
            _ => (ErrorCode::InvalidClient, 401),
        };
        assert_eq!((refusal.answer().0, refusal.status()), (code, status), "{refusal:?}");
    }
}

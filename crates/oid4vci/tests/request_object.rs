//! RFC 9101 as tables: which signed requests count, and what in them does.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

#[macro_use]
mod refusals;

use keys::algorithm::Algorithm;
use keys::jws;
use keys::outside::{Random, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::authorization::{NewRequestObject, RequestObjectRefusal, unwrapped};
use oid4vci::client::{
    ASSERTION_TYPE, Client, ClientAuthentication, ClientContext, ClientCredentials, ClientKey,
    ClientRefusal, RedirectUri, authenticate,
};
use oid4vci::error::{ErrorCode, Refusal as _};
use refusals::check_texts;
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_750_000_000);
const SERVER: &str = "https://issuer.example";
const REDIRECT: &str = "https://wallet.example/cb";

type Pairs = Vec<(String, String)>;
type Verdict = Result<Pairs, RequestObjectRefusal>;

#[derive(Debug)]
struct Same;

impl Random for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn client(keys: &[&SoftwareKey]) -> Client {
    let keys: Vec<_> =
        keys.iter().map(|key| ClientKey { kid: None, key: key.public_key().clone() }).collect();
    Client {
        client_id: "wallet".into(),
        name: "Wallet".into(),
        authentication: if keys.is_empty() {
            ClientAuthentication::None
        } else {
            ClientAuthentication::PrivateKeyJwt(keys)
        },
        redirect_uris: vec![RedirectUri::parse(REDIRECT).unwrap()],
        is_first_party: false,
        signs_requests: false,
    }
}

fn context() -> ClientContext<'static> {
    let token_endpoint = "https://issuer.example/token";
    ClientContext { authorization_server: SERVER, token_endpoint, window_seconds: 60, now: NOW }
}

fn form(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn claims() -> Value {
    json!({
        "iss": "wallet", "aud": SERVER, "iat": NOW.0, "exp": NOW.0 + 60, "client_id": "wallet",
        "response_type": "code", "redirect_uri": REDIRECT, "scope": "cards",
    })
}

async fn signed(key: &SoftwareKey, header: &Value, claims: &Value) -> String {
    let header: Map<String, Value> = header.as_object().unwrap().clone();
    jws::sign(header, claims.to_string().as_bytes(), key).await.unwrap()
}

/// A good one, but for these claims; `null` leaves one out.
async fn changed(key: &SoftwareKey, change: &[(&str, Value)]) -> String {
    let mut claims = claims();
    for (name, value) in change {
        claims[*name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| *value != "left out");
    signed(key, &json!({ "typ": "oauth-authz-req+jwt" }), &claims).await
}

fn read(jwt: &str, client: &Client) -> Verdict {
    let form = form(&[("client_id", "wallet"), ("request", jwt)]);
    unwrapped(&form, client, &context()).map(std::borrow::Cow::into_owned)
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

/// RFC 9101 §6.3, RFC 9101 §4: what is signed counts, and nothing that stands beside it.
#[tokio::test]
async fn what_is_not_signed_does_not_count() {
    let key = key();
    let details = json!([{ "type": "openid_credential", "credential_configuration_id": "card" }]);
    let more = [
        ("authorization_details", details.clone()),
        ("resource", json!([SERVER, "https://second.example"])),
        ("max_age", json!(60)),
    ];
    let jwt = changed(&key, &more).await;
    let beside = form(&[
        ("client_id", "wallet"),
        ("request", &jwt),
        ("scope", "everything"),
        ("redirect_uri", "https://evil.example/cb"),
        ("issuer_state", "an attacker's"),
    ]);
    let client = client(&[&key]);
    let said = unwrapped(&beside, &client, &context()).unwrap();
    let of = |name: &str| -> Vec<&str> {
        said.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(of("scope"), ["cards"]);
    assert_eq!(of("redirect_uri"), [REDIRECT]);
    assert_eq!(of("resource"), [SERVER, "https://second.example"], "RFC 8707 §2");
    assert_eq!(of("authorization_details"), [details.to_string()], "RFC 9396 §2");
    assert_eq!(of("max_age"), ["60"]);
    for absent in ["issuer_state", "request", "iss", "aud", "exp", "iat"] {
        assert!(of(absent).is_empty(), "{absent}");
    }
    let plain = form(&[("client_id", "wallet"), ("scope", "cards")]);
    assert_eq!(&*unwrapped(&plain, &client, &context()).unwrap(), &*plain, "it need not sign");
}

/// RFC 9101 §5, RFC 9101 §6.3, RFC 9101 §10.8: one line a rule.
#[tokio::test]
async fn a_signed_request_is_of_this_client_for_us_and_now() {
    use RequestObjectRefusal as R;
    let (key, left_out) = (key(), json!("left out"));
    let client = client(&[&key]);
    let cases: [(&str, &str, Value, Option<R>); 19] = [
        ("another's client_id", "client_id", json!("other"), Some(R::OtherClient)),
        ("no client_id", "client_id", left_out.clone(), Some(R::OtherClient)),
        ("another's iss", "iss", json!("other"), Some(R::OtherClient)),
        ("no iss", "iss", left_out.clone(), Some(R::OtherClient)),
        ("a client assertion", "sub", json!("wallet"), Some(R::Subject)),
        ("aud: an array of us", "aud", json!([SERVER]), None),
        ("aud: others too", "aud", json!([SERVER, "https://x.example"]), Some(R::WrongAudience)),
        ("aud: the endpoint", "aud", json!("https://issuer.example/par"), Some(R::WrongAudience)),
        ("no aud", "aud", left_out.clone(), Some(R::WrongAudience)),
        ("no exp", "exp", left_out, Some(R::NoTime)),
        ("the last second", "exp", json!(NOW.0 - 59), None),
        ("expired", "exp", json!(NOW.0 - 60), Some(R::Expired)),
        ("an hour", "exp", json!(NOW.0 + 3600), None),
        ("a day", "exp", json!(NOW.0 + 86400), Some(R::TooLongLife)),
        ("not yet", "nbf", json!(NOW.0 + 61), Some(R::NotYetValid)),
        ("from the future", "iat", json!(NOW.0 + 61), Some(R::NotYetValid)),
        ("a request in it", "request", json!("a.b.c"), Some(R::Nested)),
        ("another in it", "request_uri", json!("https://x.example"), Some(R::Nested)),
        ("nothing", "scope", Value::Null, Some(R::NullParameter)),
    ];
    for (rule, name, value, refusal) in cases {
        let jwt = changed(&key, &[(name, value)]).await;
        assert_eq!(read(&jwt, &client).err(), refusal, "{rule}");
    }
}

/// RFC 9101 §6.2, RFC 9101 §10.1, RFC 9101 §10.8: with a key of the client, and as what it is.
#[tokio::test]
async fn a_signed_request_is_signed_by_the_client() {
    use RequestObjectRefusal as R;
    let (own, foreign) = (key(), key());
    let client = client(&[&own]);
    let all = claims();
    for (typ, refusal) in [
        (json!({}), None),
        (json!({ "typ": "JWT" }), None),
        (json!({ "typ": "application/oauth-authz-req+jwt" }), None),
        (json!({ "typ": "dpop+jwt" }), Some(R::WrongType)),
        (json!({ "typ": 1 }), Some(R::WrongType)),
        (json!({ "kid": "unheard of" }), None), // the client gave its key no name
    ] {
        let jwt = signed(&own, &typ, &all).await;
        assert_eq!(read(&jwt, &client).err(), refusal, "{typ}");
    }
    let good = changed(&own, &[]).await;
    let other = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    assert_eq!(read(&changed(&foreign, &[]).await, &client), Err(R::WrongSignature));
    assert_eq!(read(&changed(&other, &[]).await, &client), Err(R::NoSuchKey));
    assert_eq!(read("a.b.c", &client), Err(R::Unreadable));
    let payload = good.split('.').nth(1).unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{payload}.");
    assert_eq!(read(&none, &client), Err(R::AlgorithmNotSupported));
    let mac = format!("eyJhbGciOiJIUzI1NiJ9.{payload}.AAAA");
    assert_eq!(read(&mac, &client), Err(R::AlgorithmNotSupported));
    assert_eq!(read(&good, &self::client(&[])), Err(R::NoKeys), "a public client has no key");
}

/// RFC 9101 §5, RFC 9101 §10.5: who signs always is not spoken for without a signature.
#[tokio::test]
async fn who_signs_always_is_not_spoken_for_by_others() {
    use RequestObjectRefusal as R;
    let key = key();
    let signs = Client { signs_requests: true, ..client(&[&key]) };
    let plain = form(&[("client_id", "wallet"), ("scope", "cards")]);
    assert_eq!(unwrapped(&plain, &signs, &context()), Err(R::Missing));
    let jwt = changed(&key, &[]).await;
    assert!(read(&jwt, &signs).is_ok());
    let both = form(&[("request", &jwt), ("request_uri", "urn:x")]);
    assert_eq!(unwrapped(&both, &signs, &context()), Err(R::BothWays));
    let twice = form(&[("request", &jwt), ("request", &jwt)]);
    assert_eq!(unwrapped(&twice, &signs, &context()), Err(R::RepeatedParameter));
}

/// RFC 9101 §10.8: neither kind of JWT is taken for the other.
#[tokio::test]
async fn a_signed_request_proves_nobody() {
    let key = key();
    let client = client(&[&key]);
    let jwt = changed(&key, &[("jti", json!("once"))]).await;
    let assertion = form(&[
        ("client_id", "wallet"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &jwt),
    ]);
    let credentials = ClientCredentials::parse(&assertion).unwrap();
    let refused = authenticate(&credentials, Some(&client), &context()).unwrap_err();
    assert_eq!(refused, ClientRefusal::OtherClient);
}

/// Our own are taken, and say what was to be said.
#[tokio::test]
async fn the_wallet_signs_what_a_server_takes() {
    let key = key();
    let details = json!([{ "type": "openid_credential" }]).to_string();
    let new = NewRequestObject {
        client_id: "wallet",
        authorization_server: SERVER,
        kid: Some("1"),
        parameters: &[("client_id", "wallet"), ("authorization_details", &details), ("state", "7")],
        now: NOW,
    };
    let jwt = new.sign(&key, &Same).await.unwrap();
    let said = read(&jwt, &client(&[&key])).unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(said.len(), 3);
    assert!(said.contains(&pair("authorization_details", &details)));
    assert!(said.contains(&pair("state", "7")));
    let parsed = jws::Jws::parse(&jwt, 8192).unwrap();
    assert!(parsed.claims().unwrap()["authorization_details"].is_array(), "RFC 9396 §2");
    assert_eq!(parsed.header()["typ"], "oauth-authz-req+jwt");
}

/// RFC 9101 §7
#[test]
fn each_refusal_of_a_signed_request_has_its_code_and_text() {
    let refusals = every!(RequestObjectRefusal {
        RepeatedParameter,
        TooLong,
        BothWays,
        Missing,
        NoKeys,
        Unreadable,
        AlgorithmNotSupported,
        CriticalHeader,
        WrongType,
        OtherClient,
        Subject,
        WrongAudience,
        NoTime,
        Expired,
        NotYetValid,
        TooLongLife,
        NoSuchKey,
        WrongSignature,
        PrivateKey,
        BadKey,
        Nested,
        NullParameter,
    });
    check_texts(&refusals.map(|refusal| refusal.answer().1));
    assert_eq!(RequestObjectRefusal::WrongSignature.answer().0, ErrorCode::InvalidRequestObject);
    assert_eq!(RequestObjectRefusal::Missing.answer().0, ErrorCode::InvalidRequest);
}

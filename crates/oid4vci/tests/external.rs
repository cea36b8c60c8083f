//! Access Tokens of another authorization server (RFC 9068 §4, RFC 7662 §2.2).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use keys::algorithm::Algorithm;
use keys::jws::{self, Jws};
use keys::key_set::KeySet;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::external::ExternalRefusal as Refused;
use oid4vci::external::{ExternalContext, ExternalToken, named_id, read_introspection, verify_jwt};
use oid4vci::secret::AccessToken;
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://as.example";
const US: &str = "https://issuer.example";
const NOW: Timestamp = Timestamp(1_800_000_000);

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn configurations() -> BTreeMap<String, Option<String>> {
    let scoped = |id: &str| (id.to_owned(), Some(format!("{id}_scope")));
    [scoped("card"), scoped("diploma"), ("ticket".to_owned(), None)].into()
}

fn claims(change: Value) -> Map<String, Value> {
    let mut claims = object(json!({
        "iss": ISSUER, "aud": US, "sub": "248289", "client_id": "wallet", "jti": "1",
        "iat": NOW.0 - 5, "exp": NOW.0 + 300, "scope": "openid card_scope",
    }));
    for (name, value) in object(change) {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    claims
}

fn in_context<T>(with: impl FnOnce(&ExternalContext<'_>) -> T) -> T {
    let configurations = configurations();
    with(&ExternalContext {
        issuer: ISSUER,
        audience: US,
        configurations: &configurations,
        window_seconds: 60,
        now: NOW,
    })
}

fn verdict(jwt: &str, keys: &KeySet) -> Result<ExternalToken, Refused> {
    let jws = Jws::parse_with_rsa(jwt, 16 * 1024)?;
    in_context(|context| verify_jwt(&jws, keys, context))
}

async fn signed(key: &SoftwareKey, header: Value, change: Value) -> String {
    let text = Value::from(claims(change)).to_string();
    jws::sign(object(header), text.as_bytes(), key).await.unwrap()
}

fn keys(key: &SoftwareKey) -> KeySet {
    KeySet::from_value(&object(json!({ "keys": [key.public_key().to_jwk()] }))).unwrap()
}

fn at_jwt() -> Value {
    json!({ "typ": "at+jwt" })
}

/// RFC 9068 §4, one rule after the other.
#[tokio::test]
async fn a_jwt_is_of_the_server_for_us_and_now() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let keys = keys(&key);
    for (row, header, change) in [
        ("plain", at_jwt(), json!({})),
        ("the long name", json!({ "typ": "application/at+jwt" }), json!({})),
        ("for others too", at_jwt(), json!({ "aud": ["https://api.example", US] })),
    ] {
        let token = verdict(&signed(&key, header, change).await, &keys).unwrap();
        assert_eq!(token.credential_configuration_ids, ["card"], "{row}");
        assert_eq!((token.sub.as_str(), token.client_id.as_str()), ("248289", "wallet"));
    }
    for (row, header, change, refusal) in [
        ("an ID token", json!({ "typ": "JWT" }), json!({}), Refused::NotAnAccessToken),
        ("no typ", json!({}), json!({}), Refused::NotAnAccessToken),
        ("iss", at_jwt(), json!({ "iss": "https://evil.example" }), Refused::WrongIssuer),
        ("aud", at_jwt(), json!({ "aud": "https://api.example" }), Refused::WrongAudience),
        ("no aud", at_jwt(), json!({ "aud": null }), Refused::WrongAudience),
        ("exp", at_jwt(), json!({ "exp": NOW.0 }), Refused::Expired),
        (
            "exp before iat",
            at_jwt(),
            json!({ "iat": NOW.0 + 9, "exp": NOW.0 + 8 }),
            Refused::Expired,
        ),
        ("no exp", at_jwt(), json!({ "exp": null }), Refused::NoTime),
        ("no iat", at_jwt(), json!({ "iat": null }), Refused::NoTime),
        ("iat", at_jwt(), json!({ "iat": NOW.0 + 61 }), Refused::NotYetValid),
        ("nbf", at_jwt(), json!({ "nbf": NOW.0 + 61 }), Refused::NotYetValid),
        ("no sub", at_jwt(), json!({ "sub": null }), Refused::NoSubject),
        ("no client", at_jwt(), json!({ "client_id": null }), Refused::NoClient),
        ("no jti", at_jwt(), json!({ "jti": null }), Refused::NoIdentifier),
        ("an empty jti", at_jwt(), json!({ "jti": "" }), Refused::NoIdentifier),
        ("no scope of ours", at_jwt(), json!({ "scope": "openid" }), Refused::NothingOfOurs),
        ("no scope", at_jwt(), json!({ "scope": null }), Refused::NothingOfOurs),
        ("a certificate", at_jwt(), json!({ "cnf": { "x5t#S256": "x" } }), Refused::UnknownBinding),
        ("no thumbprint", at_jwt(), json!({ "cnf": { "jkt": "x" } }), Refused::UnknownBinding),
        ("a bare cnf", at_jwt(), json!({ "cnf": {} }), Refused::UnknownBinding),
    ] {
        let jwt = signed(&key, header, change).await;
        assert_eq!(verdict(&jwt, &keys).unwrap_err(), refusal, "{row}");
    }
    let forger = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let by_forger = signed(&forger, at_jwt(), json!({})).await;
    assert_eq!(verdict(&by_forger, &keys).unwrap_err(), Refused::WrongSignature);
    let unknown = signed(&key, json!({ "typ": "at+jwt", "kid": "2" }), json!({})).await;
    assert_eq!(verdict(&unknown, &keys).unwrap_err(), Refused::UnknownKey);
    for (jwt, refusal) in
        [("eyJhbGciOiJub25lIn0.e30.", Refused::Algorithm), ("opaque", Refused::Unreadable)]
    {
        assert_eq!(verdict(jwt, &keys).unwrap_err(), refusal, "{jwt}");
    }
}

/// RFC 9396 §9.1, RFC 9068 §2.2.3: what the token is good for here.
#[tokio::test]
async fn a_token_is_good_for_what_it_names() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let keys = keys(&key);
    let detail =
        |id: &str| json!({ "type": "openid_credential", "credential_configuration_id": id });
    let mut named = detail("diploma");
    named["credential_identifiers"] = json!(["diploma#1"]);
    for (details, ids, by_identifier) in [
        (json!([detail("ticket")]), vec!["ticket", "card"], false),
        (json!([named]), vec!["diploma", "card"], true),
        (json!([detail("other"), { "type": "payment" }, 7]), vec!["card"], false),
    ] {
        let change = json!({ "authorization_details": details });
        let token = verdict(&signed(&key, at_jwt(), change).await, &keys).unwrap();
        assert_eq!(token.credential_configuration_ids, ids);
        assert_eq!(token.by_identifier, by_identifier);
    }
}

/// RFC 7662 §2.2: only `true` is active, and then the same rules hold.
#[test]
fn what_the_server_calls_inactive_is_dead() {
    let read = |change: Value| {
        in_context(|context| read_introspection(&claims(change), context).map(|token| token.sub))
    };
    assert_eq!(read(json!({ "active": true })).unwrap(), "248289");
    assert_eq!(read(json!({ "active": true, "iss": null })).unwrap(), "248289");
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().thumbprint();
    let cnf = json!({ "jkt": key.to_string() });
    for named in [
        json!({ "active": true, "token_type": "bearer" }),
        json!({ "active": true, "token_type": "DPoP", "cnf": cnf }),
    ] {
        assert_eq!(read(named).unwrap(), "248289", "RFC 9449 §6.2");
    }
    for (change, refusal) in [
        (json!({}), Refused::Inactive),
        (json!({ "active": false }), Refused::Inactive),
        (json!({ "active": "true" }), Refused::Inactive),
        (json!({ "active": true, "iss": "https://evil.example" }), Refused::WrongIssuer),
        (json!({ "active": true, "aud": "https://api.example" }), Refused::WrongAudience),
        (json!({ "active": true, "exp": NOW.0 }), Refused::Expired),
        (json!({ "active": true, "token_type": "DPoP" }), Refused::UnknownBinding),
        (json!({ "active": true, "token_type": "mac" }), Refused::UnknownBinding),
    ] {
        assert_eq!(read(change.clone()).unwrap_err(), refusal, "{change}");
    }
}

/// One token is one grant, on every node; another one is another.
#[tokio::test]
async fn a_token_is_the_same_grant_everywhere() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let keys = keys(&key);
    let jwt = signed(&key, at_jwt(), json!({})).await;
    let text = AccessToken::new(jwt.clone());
    let grant = verdict(&jwt, &keys).unwrap().grant(&text, ISSUER);
    let again = verdict(&jwt, &keys).unwrap().grant(&text, ISSUER);
    assert_eq!(grant.id, again.id);
    assert_eq!(named_id(&text, ISSUER), Some(grant.id));
    let redemption = grant.redemption.unwrap();
    assert!(redemption.token_digest == text.digest());
    assert_eq!(redemption.token_expires_at, NOW.plus(300));
    let (front, _) = jwt.rsplit_once('.').unwrap();
    let signature = signed(&key, at_jwt(), json!({ "jti": "2" })).await;
    let (_, signature) = signature.rsplit_once('.').unwrap();
    let resigned = AccessToken::new(format!("{front}.{signature}"));
    assert_eq!(named_id(&resigned, ISSUER), Some(again.id), "whatever signature is good");
    let other = signed(&key, at_jwt(), json!({ "jti": "2" })).await;
    let other = verdict(&other, &keys).unwrap().grant(&AccessToken::new(other), ISSUER);
    assert!(other.id != again.id && named_id(&text, "https://b.example") != Some(again.id));
    assert_eq!(named_id(&AccessToken::new("opaque"), ISSUER), None);
}

//! A Wallet that breaks the form of its messages, at every endpoint that takes one: refused by the
//! code of that endpoint, in JSON that nobody keeps, and the honest Wallet loses nothing by it. What
//! is wrong in the content of a message is tried where its rules are, in `crates/issuer/tests`.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use issuer::Issuer;
use issuer::credential_type::Approval;
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::sign_in::{CLIENT, with_client};
use testkit::wire::{Answer, FORM, JSON};
use testkit::world::World;

const CARD: &str = "student_card";
const DIPLOMA: &str = "diploma";

/// An endpoint with a good message to it.
struct Target {
    endpoint: &'static str,
    token: String,
    body: Value,
    /// For a message that cannot be read.
    error: &'static str,
    /// Of the answer to the good message.
    status: u16,
}

/// What a test sends beside a body.
type Headers<'h> = &'h [(&'h str, &'h str)];

/// The card waits for an officer, the diploma comes at once.
fn set_up(issuer: &mut Issuer) {
    with_client(issuer);
    issuer.types.get_mut(CARD).unwrap().approval = Approval::Deferred;
}

/// A good message to each endpoint that needs a token.
async fn targets(world: &World) -> [Target; 3] {
    let key = holder_key();
    let token = world.token(DIPLOMA).await;
    let credential = request(DIPLOMA, &[world.proof(&key).await]);
    let waiting = world.token(CARD).await;
    let wait = world.credential(&waiting, CARD, &[world.proof(&key).await]).await;
    assert_eq!(wait.status, 202);
    let transaction = json!({ "transaction_id": wait.json()["transaction_id"] });
    let issued = world.token(DIPLOMA).await;
    let had = world.credential(&issued, DIPLOMA, &[world.proof(&key).await]).await.success();
    let told = json!({ "notification_id": had["notification_id"], "event": "credential_accepted" });
    let malformed = "invalid_credential_request";
    let target =
        |endpoint, token, body, error, status| Target { endpoint, token, body, error, status };
    [
        target("credential", token, credential, malformed, 200),
        target("deferred-credential", waiting, transaction, malformed, 202),
        target("notification", issued, told, "invalid_notification_request", 204),
    ]
}

async fn send(
    world: &World,
    endpoint: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Answer {
    let mut begun = Request::post(world.issuer.endpoint(endpoint));
    for (name, value) in headers {
        begun = begun.header(*name, *value);
    }
    world.public.ask(begun, body.into()).await
}

/// Bodies that are no message, made of one that is.
fn no_messages(good: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let text = good.to_string();
    let first = good.as_object().unwrap().keys().next().unwrap();
    let twice = text.replacen('{', &format!(r#"{{"{first}":"x","#), 1);
    let escaped = format!("\\u{:04x}{}", u32::from(first.as_bytes()[0]), &first[1..]);
    let escaped = text.replacen('{', &format!(r#"{{"{escaped}":"x","#), 1);
    let inside = text.replacen('{', r#"{"x":{"a":1,"a":2},"#, 1);
    let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    vec![
        ("empty", Vec::new()),
        ("no JSON", b"x".to_vec()),
        ("a form", format!("{first}=x").into_bytes()),
        ("a list", format!("[{text}]").into_bytes()),
        ("more after it", format!("{text}{text}").into_bytes()),
        ("a member twice", twice.into_bytes()),
        ("a member twice, once escaped", escaped.into_bytes()),
        ("a member twice, inside an unknown one", inside.into_bytes()),
        ("not UTF-8", b"{\"x\":\"\xff\"}".to_vec()),
        ("a byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("deep", deep.into_bytes()),
        ("too large", format!(r#"{{"x":"{}"}}"#, "x".repeat(3_000_000)).into_bytes()),
    ]
}

/// CRED-19, CRED-54, DEFER-08, NOTIF-06, NOTIF-16, G01 to G07: what is no message.
#[tokio::test]
async fn what_is_no_message_is_refused_at_each_endpoint() {
    let world = World::with(set_up).await;
    for Target { endpoint, token, body, error, status } in targets(&world).await {
        let bearer = format!("Bearer {token}");
        let headers = [(AUTHORIZATION.as_str(), bearer.as_str()), (CONTENT_TYPE.as_str(), JSON)];
        for (row, spoilt) in no_messages(&body) {
            let answer = send(&world, endpoint, &headers, spoilt).await;
            assert!(answer.is(400, error), "{endpoint}, {row}: {answer:?}");
        }
        for media_type in ["text/plain", FORM, "application/jwk+json", "application/json+x"] {
            let headers = [("authorization", bearer.as_str()), ("content-type", media_type)];
            let answer = send(&world, endpoint, &headers, body.to_string()).await;
            assert!(answer.is(400, error), "{endpoint}, {media_type}: {answer:?}");
        }
        let untyped = send(&world, endpoint, &headers[..1], body.to_string()).await;
        assert!(untyped.is(400, error), "{endpoint}: {untyped:?}");
        let good = send(&world, endpoint, &headers, body.to_string()).await;
        assert_eq!(good.status, status, "{endpoint}: {good:?}");
    }
}

/// CRED-02, CRED-50, DEFER-16, NOTIF-14, DEP-08: a token stands in the one header, once, and is of
/// this issuer.
#[tokio::test]
async fn a_token_is_in_its_place_at_each_endpoint() {
    let world = World::with(set_up).await;
    let other = World::at("https://other.example", |_| {}).await;
    // Chance repeats: the first tokens of two worlds are alike.
    for _ in 0..10 {
        other.token(DIPLOMA).await;
    }
    let foreign = format!("Bearer {}", other.token(DIPLOMA).await);
    for Target { endpoint, token, mut body, status, .. } in targets(&world).await {
        let good = format!("Bearer {token}");
        let (basic, bound) = (format!("Basic {token}"), format!("DPoP {token}"));
        let json = ("content-type", JSON);
        let cases: [(&str, Headers<'_>, u16, &str); 6] = [
            ("none", &[json], 401, "invalid_token"),
            ("another scheme", &[json, ("authorization", &basic)], 401, "invalid_token"),
            ("without its scheme", &[json, ("authorization", &token)], 401, "invalid_token"),
            (
                "twice",
                &[json, ("authorization", &good), ("authorization", &good)],
                401,
                "invalid_token",
            ),
            ("of another issuer", &[json, ("authorization", &foreign)], 401, "invalid_token"),
            (
                "as bound, with no proof",
                &[json, ("authorization", &bound)],
                401,
                "invalid_dpop_proof",
            ),
        ];
        for (row, headers, expected, error) in cases {
            let answer = send(&world, endpoint, headers, body.to_string()).await;
            assert!(answer.is(expected, error), "{endpoint}, {row}: {answer:?}");
            assert!(!answer.header("www-authenticate").is_empty(), "{endpoint}, {row}");
        }
        let in_query = format!("{endpoint}?access_token={token}");
        let headers = [json, ("authorization", good.as_str())];
        for headers in [&headers[..1], &headers] {
            let answer = send(&world, &in_query, headers, body.to_string()).await;
            assert!(answer.is(400, "invalid_request"), "{endpoint}: {answer:?}");
        }
        body["access_token"] = json!(token);
        let in_body = send(&world, endpoint, &headers[..1], body.to_string()).await;
        assert!(in_body.is(401, "invalid_token"), "{endpoint}: {in_body:?}");
        let answer = send(&world, endpoint, &headers, body.to_string()).await;
        assert_eq!(answer.status, status, "{endpoint}: an unknown member is ignored: {answer:?}");
    }
}

/// TOKEN-01, TOKEN-28, DEP-02: the endpoints that take forms take nothing else, no parameter twice,
/// and none from the address.
#[tokio::test]
async fn a_form_is_a_form_at_each_endpoint() {
    let world = World::with(set_up).await;
    let offered = world.offer(DIPLOMA, &json!({})).await;
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let token = format!("grant_type={grant}&pre-authorized_code={}", offered.code);
    let pushed = world.authorization_request(DIPLOMA, &[]);
    let pushed = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pushed).finish();
    let about = format!("token=x&client_id={CLIENT}");
    for (endpoint, form, status) in
        [("token", token, 200), ("par", pushed, 201), ("revoke", about, 200)]
    {
        let object = json!({ "grant_type": grant }).to_string();
        let twice = format!("{form}&{form}");
        let large = format!("{form}&x={}", "x".repeat(3_000_000));
        for (row, media_type, body) in [
            ("JSON", JSON, object),
            ("a form that says it is JSON", JSON, form.clone()),
            ("a form that says it is text", "text/plain", form.clone()),
            ("each twice", FORM, twice),
            ("too large", FORM, large),
            ("not a form", FORM, "\u{0}\u{1}".to_owned()),
        ] {
            let answer = send(&world, endpoint, &[("content-type", media_type)], body).await;
            let (status, _) = answer.refusal();
            assert!([400, 401].contains(&status), "{endpoint}, {row}: {answer:?}");
        }
        let in_query = format!("{endpoint}?{form}");
        let answer = send(&world, &in_query, &[("content-type", FORM)], "").await;
        assert!([400, 401].contains(&answer.refusal().0), "{endpoint}: {answer:?}");
        let good = send(&world, endpoint, &[("content-type", FORM)], form).await;
        assert_eq!(good.status, status, "{endpoint}: {good:?}");
    }
}

/// PROOF-14, WALATT-08, RFC 9449 §4.3: proofs that were made for somebody else, or for another place.
#[tokio::test]
async fn a_proof_for_somebody_else_is_refused() {
    let world = World::with(set_up).await;
    let key = holder_key();
    let token = world.bound_token(DIPLOMA, &key).await;
    let scheme = format!("DPoP {token}");
    let ask = async |endpoint: &str, aud: Value| {
        let mut proof = world.draft(&key, &world.nonce().await);
        proof.claim("aud", aud);
        let body = request(DIPLOMA, &[proof.sign(&key).await]);
        let dpop = world.dpop(&key, endpoint, Some(&token)).sign(&key).await;
        world.credential_as(&[("authorization", &scheme), ("DPoP", &dpop)], &body).await
    };
    let ours = world.issuer.credential_issuer();
    for aud in [
        json!("https://other.example"),
        json!([ours, "https://other.example"]),
        json!(format!("{ours}/")),
        json!(format!("{ours}/credential")),
        json!(null),
    ] {
        let answer = ask("credential", aud.clone()).await;
        assert!(answer.is(400, "invalid_proof"), "{aud}: {answer:?}");
    }
    for endpoint in ["token", "notification", "deferred-credential"] {
        let answer = ask(endpoint, json!(ours)).await;
        assert!(answer.is(401, "invalid_dpop_proof"), "{endpoint}: {answer:?}");
    }
    ask("credential", json!(ours)).await.success();
}

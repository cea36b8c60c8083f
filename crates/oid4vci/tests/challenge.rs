//! First-Party Apps §5 as tables: what such a request must have, and what its answers say.

use oid4vci::authorization::{ChallengeRefusal, PushRefusal, ReceivedChallengeAnswer};
use oid4vci::client::ClientRefusal;
use oid4vci::error::{ErrorCode, Refusal as _};
use serde_json::{Value, json};

/// First-Party Apps §5.2
#[test]
fn a_wallet_reads_what_servers_answer() {
    let read =
        |status, body: &Value| ReceivedChallengeAnswer::parse(status, body.to_string().as_bytes());
    let long = "x".repeat(5000);
    for (row, status, body) in [
        ("a refusal", 400, json!({ "error": "invalid_session", "auth_session": "s" })),
        ("no code", 200, json!({ "auth_session": "s" })),
        ("a code that is no text", 200, json!({ "authorization_code": 1 })),
        ("an empty code", 200, json!({ "authorization_code": "" })),
        ("no text", 200, json!({ "authorization_code": long })),
        ("not JSON", 400, Value::Null),
    ] {
        assert!(read(status, &body).is_none(), "{row}");
    }
    assert!(ReceivedChallengeAnswer::parse(400, b"{\"error\":\"a\",\"error\":\"b\"}").is_none());
    let code = read(200, &json!({ "authorization_code": "c", "auth_session": "s", "more": 1 }));
    let Some(ReceivedChallengeAnswer::Code(code)) = code else { panic!("{code:?}") };
    assert_eq!(code.expose(), "c");
    for (given, expected) in [(json!("s"), Some("s")), (Value::Null, None)] {
        let body = json!({ "error": "insufficient_authorization", "auth_session": given });
        let Some(ReceivedChallengeAnswer::SignIn(session)) = read(400, &body) else { panic!() };
        assert_eq!(session.as_ref().map(oid4vci::secret::AuthSession::expose), expected);
        let body = json!({ "error": "redirect_to_web", "request_uri": given });
        let Some(ReceivedChallengeAnswer::Web(request_uri)) = read(400, &body) else { panic!() };
        assert_eq!(request_uri.as_deref(), expected);
    }
    // Nobody types a password for a server that wants to be shown a credential.
    let body = json!({
        "error": "insufficient_authorization", "auth_session": "s",
        "presentation": "openid4vp://?client_id=a&request_uri=b",
    });
    assert!(matches!(read(400, &body), Some(ReceivedChallengeAnswer::Web(None))));
}

/// First-Party Apps §5.2.2.1, RFC 6749 §5.2
#[test]
fn each_refusal_of_a_challenge_request_has_its_code_and_text() {
    let texts: Vec<_> = [
        (ChallengeRefusal::NotFirstParty, ErrorCode::UnauthorizedClient, 400),
        (ChallengeRefusal::Unproved, ErrorCode::UnauthorizedClient, 400),
        (ChallengeRefusal::UnknownSession, ErrorCode::InvalidSession, 400),
        (ClientRefusal::Unknown.into(), ErrorCode::InvalidClient, 401),
        (PushRefusal::Unreadable.into(), ErrorCode::InvalidRequest, 400),
    ]
    .into_iter()
    .map(|(refusal, code, status)| {
        let (given, text) = refusal.answer();
        assert_eq!((given, refusal.status()), (code, status), "{refusal:?}");
        assert!(refusal.demand().is_none());
        text
    })
    .collect();
    let mut distinct = texts.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), texts.len());
}

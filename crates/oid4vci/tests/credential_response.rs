//! VCI §8.3 as tables: the Credential Response, and errors as both sides see them.

use keys::json;
use oid4vci::credential::{CredentialResponse, IssuedCredential, ReceivedCredentialResponse};
use oid4vci::error::{ErrorBody, ErrorCode, ReceivedError};
use serde_json::{Value, json, to_value};

/// CRED-34, CRED-35, CRED-44: `credentials`, and nothing that drafts had.
#[test]
fn our_response_is_the_one_of_the_spec() {
    let credentials = ["one", "two"].map(|text| IssuedCredential { credential: json!(text) });
    let response = CredentialResponse {
        credentials: credentials.into(),
        notification_id: Some("n".to_owned()),
        credential_metadata: None,
    };
    let expected = json!({
        "credentials": [{ "credential": "one" }, { "credential": "two" }],
        "notification_id": "n", // CRED-41
    });
    assert_eq!(to_value(response).unwrap(), expected);
}

/// V11-16, V11-18: labels that come with a credential are taken as they are; what is no object is
/// not.
#[test]
fn a_response_may_say_how_the_credential_looks() {
    let metadata = json!({ "display": [{ "name": "Card" }], "com.example": { "x": 1 } });
    let credential = IssuedCredential { credential: json!("c") };
    let response = CredentialResponse {
        credentials: vec![credential],
        notification_id: None,
        credential_metadata: Some(metadata.clone()),
    };
    let body = to_value(response).unwrap();
    assert_eq!(body["credential_metadata"], metadata);
    let read = |body: &Value| match ReceivedCredentialResponse::parse(body.to_string().as_bytes()) {
        Some(ReceivedCredentialResponse::Issued { credential_metadata, .. }) => credential_metadata,
        other => panic!("{other:?}"),
    };
    assert_eq!(read(&body).map(Value::from), Some(metadata));
    for other in [json!(null), json!("x"), json!([1])] {
        let body = json!({ "credentials": [{ "credential": "c" }], "credential_metadata": other });
        assert_eq!(read(&body), None, "{other}");
    }
}

/// CRED-34 to CRED-42: what a Wallet takes; `Err` holds the `transaction_id` and the interval.
#[test]
fn a_response_holds_credentials_or_a_transaction() {
    let one = json!([{ "credential": "c" }]);
    let cases = [
        ("CRED-34", json!({ "credentials": one }), Some(Ok(1))),
        ("CRED-35: an object", json!({ "credentials": [{ "credential": {} }] }), Some(Ok(1))),
        ("CRED-35: more", json!({ "credentials": [{ "credential": "c", "x": 1 }] }), Some(Ok(1))),
        ("CRED-41, CRED-42", json!({ "credentials": one, "notification_id": "n" }), Some(Ok(1))),
        (
            "CRED-44: drafts",
            json!({ "credentials": one, "c_nonce": "n", "format": 1 }),
            Some(Ok(1)),
        ),
        ("CRED-31", json!({ "transaction_id": "t", "interval": 5 }), Some(Err(("t", Some(5))))),
        ("CRED-39: without it", json!({ "transaction_id": "t" }), Some(Err(("t", None)))),
        ("CRED-34, CRED-38: both", json!({ "credentials": one, "transaction_id": "t" }), None),
        ("CRED-34: empty", json!({ "credentials": [] }), None),
        ("CRED-34: no array", json!({ "credentials": { "credential": "c" } }), None),
        ("CRED-34: no objects", json!({ "credentials": ["c"] }), None),
        ("CRED-35: none in one", json!({ "credentials": [{ "credential": "c" }, {}] }), None),
        ("CRED-44: drafts only", json!({ "credential": "c", "format": "f" }), None),
        ("CRED-38: a number", json!({ "transaction_id": 1 }), None),
        ("neither", json!({}), None),
        ("no object", json!([]), None),
    ];
    for (rule, body, expected) in cases {
        let read = ReceivedCredentialResponse::parse(body.to_string().as_bytes());
        let found = read.as_ref().map(|read| match read {
            ReceivedCredentialResponse::Issued { credentials, .. } => Ok(credentials.len()),
            ReceivedCredentialResponse::Deferred { transaction_id, interval } => {
                Err((transaction_id.expose(), *interval))
            }
        });
        assert_eq!(found, expected, "{rule}");
    }
    let repeated = br#"{"credentials":[{"credential":"a"}],"credentials":[{"credential":"b"}]}"#;
    for body in [&repeated[..], b"", b"eyJ.a.b.c.d", b"\xff"] {
        assert!(ReceivedCredentialResponse::parse(body).is_none(), "G03, G07: {body:?}");
    }
}

/// RFC 6749 §5.2, CRED-52: the body of every refusal.
#[test]
fn an_error_has_one_shape() {
    let sent = ErrorBody { error: ErrorCode::InvalidNonce, error_description: "text" };
    let expected = json!({ "error": "invalid_nonce", "error_description": "text" });
    assert_eq!(to_value(sent).unwrap(), expected);
}

/// CRED-53, AMB-19: a Wallet survives codes that came later, and errors without a description.
#[test]
fn a_wallet_reads_errors_that_it_does_not_know() {
    let cases = [
        (
            "CRED-52",
            json!({ "error": "invalid_proof", "error_description": "t" }),
            Some("invalid_proof"),
        ),
        ("no description", json!({ "error": "invalid_grant" }), Some("invalid_grant")),
        (
            "null",
            json!({ "error": "invalid_grant", "error_description": null }),
            Some("invalid_grant"),
        ),
        ("CRED-53: unknown", json!({ "error": "slow_down", "error_uri": "u" }), Some("slow_down")),
        ("AMB-19: 1.1", json!({ "error": "invalid_tx_code" }), Some("invalid_tx_code")),
        ("no code", json!({ "error_description": "t" }), None),
        ("a number", json!({ "error": 400 }), None),
        ("no object", json!("invalid_grant"), None),
        ("nothing", Value::Null, None),
    ];
    for (rule, body, expected) in cases {
        let read: Option<ReceivedError> = json::from_slice(body.to_string().as_bytes()).ok();
        assert_eq!(read.map(|read| read.error).as_deref(), expected, "{rule}");
    }
}

//! VCI §6.2 and VCI §6.3 as tables: answers of the token endpoint, and how a wallet reads them.

mod details;
#[macro_use]
mod refusals;

use details::{detail, with};
use oid4vci::attestation::client::ClientAttestationRefusal;
use oid4vci::dpop::DpopRefusal;
use oid4vci::error::{Demand, ErrorCode, Refusal as _};
use oid4vci::secret::AccessToken;
use oid4vci::token::{
    AuthorizedDetail, ReceivedTokenResponse, TokenRefusal, TokenResponse, TokenType,
    credential_identifier,
};
use refusals::check_texts;
use serde_json::{Value, json, to_value};

/// VCI §6.2, RFC 6749 §5.1, RFC 9396 §7: what we answer.
#[test]
fn a_token_response_is_the_one_of_the_spec() {
    let response = |details| TokenResponse {
        access_token: AccessToken::new("t"),
        token_type: TokenType::Bearer,
        expires_in: 300,
        authorization_details: details,
        refresh_token: None,
        scope: None,
    };
    let plain = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 300 });
    assert_eq!(to_value(response(None)).unwrap(), plain, "TOKEN-16, TOKEN-30");
    let mut detailed = plain;
    let mut named = detail("diploma");
    named["credential_identifiers"] = json!([credential_identifier("diploma")]);
    detailed["authorization_details"] = json!([named]);
    let details = vec![AuthorizedDetail::of("diploma")];
    assert_eq!(to_value(response(Some(details))).unwrap(), detailed, "TOKEN-17, TOKEN-18");
    assert_ne!(
        credential_identifier("a"),
        credential_identifier("b"),
        "TOKEN-18: one dataset each"
    );
    assert!(!format!("{:?}", response(None)).contains("\"t\""), "a token in a log is a breach");
}

/// VCI §6.2, TOKEN-21: what a Wallet takes; `None` when it is of no use.
#[test]
fn a_wallet_reads_what_other_servers_answer() {
    let extra =
        json!({ "access_token": "t", "token_type": "Bearer", "c_nonce": "n", "scope": "s" });
    let foreign = json!([{ "type": "pay" }, with("credential_identifiers", json!(["a1", "a2"]))]);
    let token = |kind: &str| json!({ "access_token": "t", "token_type": kind });
    let details = |value: Value| json!({ "access_token": "t", "token_type": "Bearer", "authorization_details": value });
    let cases = [
        ("TOKEN-21, TOKEN-30: unknown members", extra, Some((TokenType::Bearer, 0))),
        ("RFC 6749 §5.1: any case", token("bEARER"), Some((TokenType::Bearer, 0))),
        ("RFC 9449 §5", token("DPoP"), Some((TokenType::DPoP, 0))),
        ("TOKEN-19, TOKEN-21: other types", details(foreign), Some((TokenType::Bearer, 2))),
        ("none", details(Value::Null), Some((TokenType::Bearer, 0))),
        ("RFC 6749 §7.1: an unknown type", token("mac"), None),
        ("RFC 6749 §5.1: no type", json!({ "access_token": "t" }), None),
        ("no token", json!({ "token_type": "Bearer" }), None),
        ("an empty token", json!({ "access_token": "", "token_type": "Bearer" }), None),
        ("a number", json!({ "access_token": 1, "token_type": "Bearer" }), None),
        ("TOKEN-18: no identifiers", details(json!([detail("a")])), None),
        ("TOKEN-17: no array", details(detail("a")), None),
        ("no object", json!(["t"]), None),
    ];
    for (rule, body, expected) in cases {
        let read = ReceivedTokenResponse::parse(body.to_string().as_bytes());
        let found = read.map(|read| {
            let names = read.authorization_details.iter().map(|d| d.credential_identifiers.len());
            (read.token_type, names.sum())
        });
        assert_eq!(found, expected, "{rule}");
    }
    let repeated = br#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#;
    assert!(ReceivedTokenResponse::parse(repeated).is_none(), "G03");
    let timed = br#"{"access_token":"secret","token_type":"Bearer","expires_in":86400}"#;
    let timed = ReceivedTokenResponse::parse(timed).unwrap();
    assert_eq!(timed.expires_in, Some(86_400));
    assert!(!format!("{timed:?}").contains("secret"), "a token in a log is a breach");
}

/// The code of each, as the specs have it.
fn code_of(refusal: TokenRefusal) -> ErrorCode {
    use TokenRefusal::*;
    match refusal {
        // TOKEN-25, TOKEN-26, RFC 6749 §5.2
        UnknownCode
        | ExpiredCode
        | WrongTxCode
        | UnknownAuthorizationCode
        | OtherRedirectUri
        | WrongVerifier
        | OtherKey
        | UnknownRefreshToken => ErrorCode::InvalidGrant,
        ForeignResource => ErrorCode::InvalidTarget, // RFC 8707 §2.2
        ScopeNotGranted => ErrorCode::InvalidScope,
        InvalidTxCode => ErrorCode::InvalidTxCode, // V11-15
        AnonymousClient | Registered(_) => ErrorCode::InvalidClient, // TOKEN-27
        Dpop(_) => ErrorCode::UseDpopNonce,        // RFC 9449 §8
        Client(_) => ErrorCode::UseAttestationChallenge, // WALATT-09
        UnsupportedGrantType => ErrorCode::UnsupportedGrantType, // TOKEN-28
        BadDetails | DetailsNotOffered => ErrorCode::InvalidAuthorizationDetails, // DEP-09
        // TOKEN-23, TOKEN-24, TOKEN-28, RFC 6749 §5.2
        MissingTxCode | UnexpectedTxCode | RepeatedParameter | Unreadable | TooLong
        | MissingGrantType | MissingCode | MissingCodeParameter | MissingRefreshToken => {
            ErrorCode::InvalidRequest
        }
    }
}

/// VCI §6.3, TOKEN-22: every refusal and its code.
#[test]
fn each_refusal_of_a_token_request_has_its_code_and_text() {
    let all = every!(TokenRefusal {
        Unreadable,
        TooLong,
        RepeatedParameter,
        MissingGrantType,
        UnsupportedGrantType,
        MissingCode,
        AnonymousClient,
        UnknownCode,
        ExpiredCode,
        BadDetails,
        DetailsNotOffered,
        WrongTxCode,
        InvalidTxCode,
        MissingTxCode,
        UnexpectedTxCode,
        MissingCodeParameter,
        UnknownAuthorizationCode,
        OtherRedirectUri,
        WrongVerifier,
        OtherKey,
        MissingRefreshToken,
        UnknownRefreshToken,
        ForeignResource,
        ScopeNotGranted,
    } except TokenRefusal::Dpop(_) | TokenRefusal::Client(_) | TokenRefusal::Registered(_));
    check_texts(&all.map(|refusal| refusal.answer().1));
    let inner = [
        TokenRefusal::Dpop(DpopRefusal::NoNonce),
        TokenRefusal::Client(ClientAttestationRefusal::NoChallenge),
    ];
    for refusal in all.into_iter().chain(inner) {
        let code = code_of(refusal);
        assert_eq!((refusal.answer().0, refusal.status()), (code, 400), "{refusal:?}");
        let demand = if code == ErrorCode::UseDpopNonce {
            Some(Demand::DpopNonce) // RFC 9449 §8
        } else {
            (code == ErrorCode::UseAttestationChallenge).then_some(Demand::AttestationChallenge)
        };
        assert_eq!(refusal.demand(), demand, "{refusal:?}");
        assert_eq!(refusal.challenge(), None, "TOKEN-22: only failed authentication by header");
        let name = to_value(refusal.answer().0).unwrap();
        assert_eq!(name, refusal.answer().0.name(), "one name on the wire");
    }
}

//! WALATT-09 and WALATT-10 as tables: challenges, and what each refusal says.

#[macro_use]
mod refusals;

use oid4vci::attestation::client::ClientAttestationRefusal::{
    self, BadChallenge, NoChallenge, Stale,
};
use oid4vci::attestation::client::{
    ChallengeResponse, parse_challenge_response, received_challenge, wants_challenge,
};
use oid4vci::error::{Demand, ErrorCode, Refusal as _};
use refusals::check_texts;
use serde_json::{json, to_value};

/// WALATT-10: what the challenge endpoint answers, and what a Wallet takes.
#[test]
fn a_challenge_is_fetched() {
    let sent = ChallengeResponse { attestation_challenge: "c".into() };
    assert_eq!(to_value(&sent).ok(), Some(json!({ "attestation_challenge": "c" })));
    let long = "c".repeat(1025);
    let cases = [
        ("WALATT-10", json!({ "attestation_challenge": "c" }).to_string(), true),
        ("more in it", json!({ "attestation_challenge": "c", "x": 1 }).to_string(), true),
        ("none", json!({}).to_string(), false),
        ("a number", json!({ "attestation_challenge": 1 }).to_string(), false),
        ("empty", json!({ "attestation_challenge": "" }).to_string(), false),
        ("E28: long", json!({ "attestation_challenge": long }).to_string(), false),
        ("G03", r#"{"attestation_challenge":"a","attestation_challenge":"b"}"#.to_owned(), false),
        ("no JSON", "c".to_owned(), false),
    ];
    for (rule, body, good) in cases {
        assert_eq!(parse_challenge_response(body.as_bytes()).is_some(), good, "{rule}");
    }
    assert_eq!(received_challenge("AYjcyMzY3"), Some("AYjcyMzY3"), "in a header");
    assert_eq!(received_challenge("a b"), None, "no challenge");
}

/// WALATT-09: when a Wallet tries again with the challenge that it got.
#[test]
fn a_wallet_sees_that_a_challenge_is_wanted() {
    let cases = [
        ("WALATT-09", 400, Some("use_attestation_challenge"), true),
        ("WALATT-09", 401, Some("use_attestation_challenge"), true),
        ("another error", 400, Some("invalid_client"), false),
        ("no error", 400, None, false),
        ("no refusal", 200, Some("use_attestation_challenge"), false),
    ];
    for (rule, status, error, expected) in cases {
        assert_eq!(wants_challenge(status, error), expected, "{rule}: {status} {error:?}");
    }
}

/// WALATT-09: code and text of each.
#[test]
fn each_refusal_of_a_client_attestation_has_its_code_and_text() {
    let all = every!(ClientAttestationRefusal {
        Missing,
        NotPaired,
        Several,
        Unreadable,
        WrongType,
        AlgorithmNotSupported,
        CriticalHeader,
        NoClient,
        NoTime,
        Expired,
        NotYetValid,
        Stale,
        NoKey,
        PrivateKey,
        BadKey,
        Withdrawn,
        UnknownStatus,
        Untrusted,
        WrongSignature,
        OtherClient,
        WrongAudience,
        BadJti,
        TooOld,
        NoChallenge,
        BadChallenge,
        WrongPopSignature,
        Replayed,
    });
    check_texts(&all.map(|refusal| refusal.answer().1));
    for refusal in all {
        let (code, demand) = if [NoChallenge, BadChallenge].contains(&refusal) {
            (ErrorCode::UseAttestationChallenge, Some(Demand::AttestationChallenge))
        } else if refusal == Stale {
            (ErrorCode::UseFreshAttestation, None)
        } else {
            (ErrorCode::InvalidClient, None)
        };
        assert_eq!((refusal.answer().0, refusal.demand()), (code, demand), "{refusal:?}");
    }
    let header = Demand::AttestationChallenge.header();
    assert_eq!(header, "OAuth-Client-Attestation-Challenge", "WALATT-09");
}

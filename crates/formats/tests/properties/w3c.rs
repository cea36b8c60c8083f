//! W3C credentials: `vc+jwt`, `jwt_vc_json`, and `ldp_vc` over canonical JSON.

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::w3c::W3cClaims;
use formats::{FormatError, jwt_vc_json, ldp_vc, parse, parse_raw, vc_jose};

use super::claims::claims;
use super::*;

const DID: &str = "did:web:issuer.example";
const FORMATS: [&str; 3] = [vc_jose::FORMAT, jwt_vc_json::FORMAT, ldp_vc::FORMAT];

/// Text of a credential in one of these formats.
fn issued(format: &str, claims: Map<String, Value>) -> String {
    let claims = W3cClaims {
        id: None,
        name: None,
        issuer: if format == ldp_vc::FORMAT { DID } else { ISSUER },
        contexts: &[],
        types: &[],
        subject: Some("did:example:1"),
        claims,
        issued_at: NOW,
        expires_at: END,
        status: None,
    };
    let options = ProofOptions {
        verification_method: "did:web:issuer.example#1",
        canonicalization: Canonicalization::Jcs,
        created: NOW,
        contexts: None,
    };
    match format {
        vc_jose::FORMAT => now(vc_jose::issue(claims, "1", &*KEY)).unwrap(),
        jwt_vc_json::FORMAT => now(jwt_vc_json::issue(claims, "1", &*KEY)).unwrap(),
        _ => now(ldp_vc::issue(claims, options, &*KEY)).unwrap().to_string(),
    }
}

fn read(format: &str, raw: &str) -> Result<Map<String, Value>, FormatError> {
    Ok(parse_raw(format, raw)?.verify(public_key(), NOW)?.claims)
}

fn drawn() -> impl Strategy<Value = (&'static str, Map<String, Value>)> {
    (prop::sample::select(&FORMATS[..]), claims(&["id"]))
}

#[test]
fn what_is_issued_is_read() {
    for_all(&drawn(), |(format, claims)| {
        let raw = issued(format, claims.clone());
        assert_eq!(read(format, &raw), Ok(claims), "{raw}");
    });
}

/// JSON has several spellings of one value; what is read is what was signed all the same.
#[test]
fn whatever_is_changed_is_refused() {
    for_all(&(drawn(), changes()), |((format, claims), changes)| {
        let raw = issued(format, claims.clone());
        for change in changes {
            let changed = changed(&raw, change);
            let is_other_spelling = format == ldp_vc::FORMAT && is_same(&changed, &raw);
            let verdict = read(format, &changed);
            assert!(is_other_spelling || verdict.is_err(), "{changed} for {raw}");
        }
    });
}

/// Whether both texts say the same.
fn is_same(one: &str, other: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    value(one).is_some_and(|one| Some(one) == value(other))
}

/// RFC 8785: an `ldp_vc` is signed as what it says, so that its members may come in any order and with
/// any white space.
#[test]
fn the_spelling_of_json_is_not_signed() {
    for_all(&claims(&["id"]), |claims| {
        let raw = issued(ldp_vc::FORMAT, claims.clone());
        let value: Value = serde_json::from_str(&raw).unwrap();
        let spelled = serde_json::to_string_pretty(&value).unwrap();
        let respelled: Value = serde_json::from_str(&spelled).unwrap();
        let verified = parse(ldp_vc::FORMAT, &respelled).unwrap().verify(public_key(), NOW);
        assert_eq!(verified.unwrap().claims, claims);
    });
}

//! RFC 6749 §4.1.2, RFC 9207 and RFC 7636: the answer, and who may use it.

use oid4vci::authorization::{
    AnswerTo, AuthorizationAnswer, AuthorizationRefusal, Expected, ResponseError, received_code,
    redirect,
};
use oid4vci::pkce::CodeChallenge;
use oid4vci::secret::{AuthorizationCode, CodeVerifier};

const ISSUER: &str = "https://issuer.example";
const REDIRECT: &str = "https://wallet.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// AUTHZ-22, AUTHZ-23, RFC 6749 §3.1.2, RFC 9207 §2.
#[test]
fn the_answer_is_a_redirect_with_state_and_iss() {
    let to = |redirect_uri: &str, state: Option<&str>| AnswerTo {
        redirect_uri: redirect_uri.to_owned(),
        state: state.map(str::to_owned),
    };
    let code = AuthorizationCode::new("c+d");
    let good = AuthorizationAnswer::Code(&code);
    let iss = "iss=https%3A%2F%2Fissuer.example";
    assert_eq!(
        redirect(&to(REDIRECT, Some("a&b")), good, ISSUER),
        format!("{REDIRECT}?code=c%2Bd&state=a%26b&{iss}")
    );
    assert_eq!(
        redirect(&to("com.example:/cb?x=1", None), good, ISSUER),
        format!("com.example:/cb?x=1&code=c%2Bd&{iss}")
    );
    let denied = AuthorizationAnswer::Refused(AuthorizationRefusal::Denied);
    let address = redirect(&to(REDIRECT, Some("s")), denied, ISSUER);
    assert!(address.starts_with(&format!("{REDIRECT}?error=access_denied&error_description=")));
    assert!(address.ends_with(&format!("&state=s&{iss}")), "{address}");
}

/// DEP-04, RFC 9207 §2.4, RFC 6749 §10.12: what a Wallet takes.
#[test]
fn a_wallet_takes_the_answer_to_its_own_request() {
    use ResponseError::{Denied, NoCode, NoIss, OtherServer, OtherState, Refused, Unreadable};
    let read = |query: &str, always_has_iss| {
        let expected = Expected { state: "s", iss: ISSUER, always_has_iss };
        received_code(query, expected).map(|code| code.expose().to_owned())
    };
    let iss = "iss=https%3A%2F%2Fissuer.example";
    let cases = [
        (format!("code=c&state=s&{iss}"), true, Ok("c".to_owned())),
        ("code=c&state=s".into(), false, Ok("c".into())),
        ("code=c&state=s".into(), true, Err(NoIss)),
        ("code=c&state=s&iss=https%3A%2F%2Fevil.example".into(), false, Err(OtherServer)),
        ("error=access_denied&state=s&iss=https%3A%2F%2Fevil".into(), true, Err(OtherServer)),
        (format!("code=c&state=x&{iss}"), true, Err(OtherState)),
        (format!("code=c&{iss}"), true, Err(OtherState)),
        (format!("error=access_denied&state=s&{iss}"), true, Err(Denied)),
        (format!("error=server_error&state=s&{iss}"), true, Err(Refused("server_error".into()))),
        (format!("state=s&{iss}"), true, Err(NoCode)),
        (format!("code=c&code=d&state=s&{iss}"), true, Err(Unreadable)),
    ];
    for (query, always_has_iss, expected) in cases {
        assert_eq!(read(&query, always_has_iss), expected, "{query}");
    }
}

/// RFC 7636 §B: the example of the spec, and what a verifier may not be (RFC 7636 §4.1).
#[test]
fn a_challenge_belongs_to_one_verifier() {
    let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
    let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert!(challenge.is_of(&verifier) && verifier.challenge() == challenge);
    assert_eq!(challenge.to_text(), CHALLENGE);
    for text in ["short", &"x".repeat(129), &format!("{} ", "x".repeat(50))] {
        let verifier = CodeVerifier::new(text);
        assert!(!verifier.challenge().is_of(&verifier), "{text}");
    }
    for text in ["", CHALLENGE.get(1..).unwrap(), &format!("{CHALLENGE}=")] {
        assert!(CodeChallenge::parse(text).is_none(), "{text}");
    }
    assert!(!format!("{verifier:?}").contains("dBjf"));
}

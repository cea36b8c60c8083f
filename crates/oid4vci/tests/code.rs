//! RFC 6749 §4.1.3, RFC 7009 and RFC 7662 as tables: what codes and tokens are worth, and to whom.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "other tests need more of it")]
mod bound;
mod fixture;
#[expect(dead_code, reason = "other tests need more of it")]
mod jose;

mod signed_in;

use std::collections::BTreeMap;

use fixture::{NOW, TOKEN, grant, redeemed};
use keys::algorithm::Algorithm;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::authorization::Authorization;
use oid4vci::client::{AuthenticatedClient, Requester};
use oid4vci::code::{AuthorizationCodeRequest, CodeCommit, decide};
use oid4vci::grant::Grant;
use oid4vci::introspection::{TokenQuery, TokenQueryRefusal, introspect, revokes};
use oid4vci::secret::CodeVerifier;
use oid4vci::sender::{Sender, SenderPolicy};
use oid4vci::token::{TokenRefusal, TokenRequest};
use serde_json::to_value;
use signed_in::{
    AUTHORIZATION_CODE, ISSUER, REDIRECT, REFRESH, VERIFIER, authorization, bound_sender,
    confidential, form, public, refreshing,
};

/// What a test adds to a request.
type Change<'c> = &'c [(&'c str, &'c str)];

const GOOD: [(&str, &str); 4] = [
    ("code", AUTHORIZATION_CODE),
    ("redirect_uri", REDIRECT),
    ("code_verifier", VERIFIER),
    ("client_id", "wallet"),
];

fn code_request(change: &[(&str, &str)]) -> Result<AuthorizationCodeRequest, TokenRefusal> {
    let kept = GOOD.iter().filter(|(name, _)| change.iter().all(|(other, _)| other != name));
    let pairs: Vec<_> = kept.chain(change).copied().collect();
    match TokenRequest::parse(&form("authorization_code", &pairs))? {
        TokenRequest::AuthorizationCode(request) => Ok(request),
        other @ (TokenRequest::PreAuthorizedCode(_) | TokenRequest::RefreshToken(_)) => {
            panic!("{other:?}")
        }
    }
}

/// RFC 6749 §4.1.3, RFC 7636 §4.5, TOKEN-04: what such a request must have.
#[test]
fn a_request_with_a_code_is_read_or_refused() {
    use TokenRefusal::{BadDetails, MissingCodeParameter, RepeatedParameter, UnexpectedTxCode};
    let cases: [(&str, Change<'_>, Option<TokenRefusal>); 6] = [
        ("good", &[], None),
        ("no code", &[("code", "")], Some(MissingCodeParameter)),
        ("no verifier", &[("code_verifier", "")], Some(MissingCodeParameter)),
        ("TOKEN-04", &[("tx_code", "1234")], Some(UnexpectedTxCode)),
        ("TOKEN-28", &[("code", "a"), ("code", "b")], Some(RepeatedParameter)),
        ("RFC 9396 §6", &[("authorization_details", "[]")], Some(BadDetails)),
    ];
    for (rule, change, refusal) in cases {
        assert_eq!(code_request(change).err(), refusal, "{rule}");
    }
    let request = TokenRequest::AuthorizationCode(code_request(&[]).unwrap());
    let sent: BTreeMap<_, _> = request.to_form().into_iter().collect();
    let expected = GOOD.into_iter().chain([("grant_type", "authorization_code")]).collect();
    assert_eq!(sent, expected, "what a Wallet sends is what we read");
    assert!(!format!("{request:?}").contains(AUTHORIZATION_CODE));
    assert!(!format!("{request:?}").contains(VERIFIER));
}

fn verdict(
    change: &[(&str, &str)],
    found: Option<(&Grant, &Authorization)>,
    client: &str,
    now: Timestamp,
) -> Result<Vec<String>, TokenRefusal> {
    let request = code_request(change).unwrap();
    let (client, sender) = (public(client), Sender::default());
    let requester = Requester { client: &client, sender: &sender, policy: SenderPolicy::default() };
    match decide(&request, found, requester, ISSUER, now)? {
        CodeCommit::Redeem(_, _, ids) => Ok(ids),
        CodeCommit::EndTokens(_) => Ok(vec!["ended".into()]),
    }
}

/// DEP-01, RFC 6749 §4.1.2, RFC 6749 §4.1.3, RFC 6749 §5.2, RFC 7636 §4.6, B21: one line a rule.
#[test]
fn a_code_is_for_one_client_one_address_and_one_verifier() {
    use TokenRefusal::{
        ForeignResource, MissingCodeParameter, OtherRedirectUri,
        UnknownAuthorizationCode as Unknown, WrongVerifier,
    };
    let (grant, stored) = (grant(), authorization(|_| {}));
    let found = Some((&grant, &stored));
    let all = Ok(grant.credential_configuration_ids.clone());
    assert_eq!(verdict(&[], found, "wallet", NOW), all);
    assert_eq!(verdict(&[], found, "wallet", NOW.plus(59)), all, "the last second");
    assert_eq!(verdict(&[], found, "wallet", NOW.plus(60)), Err(Unknown), "a minute, no more");
    assert_eq!(verdict(&[("code", "another")], found, "wallet", NOW), Err(Unknown));
    assert_eq!(verdict(&[], None, "wallet", NOW), Err(Unknown));
    assert_eq!(verdict(&[], found, "another", NOW), Err(Unknown), "of another client");
    let elsewhere = [("redirect_uri", "https://wallet.example/cb/")];
    assert_eq!(verdict(&elsewhere, found, "wallet", NOW), Err(OtherRedirectUri));
    let nowhere = [("redirect_uri", "")];
    assert_eq!(verdict(&nowhere, found, "wallet", NOW), Err(MissingCodeParameter));
    let without_browser = authorization(|code| code.request.by_challenge = true);
    let by_challenge = Some((&grant, &without_browser));
    assert_eq!(verdict(&nowhere, by_challenge, "wallet", NOW), all, "First-Party Apps §6");
    assert_eq!(verdict(&elsewhere, by_challenge, "wallet", NOW), Err(OtherRedirectUri));
    let verifier = [("code_verifier", "another-verifier-of-forty-three-characters-or-more")];
    assert_eq!(verdict(&verifier, found, "wallet", NOW), Err(WrongVerifier));
    let challenge = CodeVerifier::new(VERIFIER).challenge().to_text();
    let downgraded = [("code_verifier", challenge.as_str())];
    assert_eq!(verdict(&downgraded, found, "wallet", NOW), Err(WrongVerifier), "no plain");
    assert_eq!(verdict(&[("resource", ISSUER)], found, "wallet", NOW), all, "TOKEN-10");
    let foreign = [("resource", "https://x.example")];
    assert_eq!(verdict(&foreign, found, "wallet", NOW), Err(ForeignResource));
    let none = Authorization { code: None, ..stored.clone() };
    assert_eq!(verdict(&[], Some((&grant, &none)), "wallet", NOW), Err(Unknown));
    let withdrawn = Grant { withdrawn_at: Some(NOW), ..grant.clone() };
    assert_eq!(verdict(&[], Some((&withdrawn, &stored)), "wallet", NOW), Err(Unknown));
    let by_other_grant = redeemed();
    let verdict_of_both = verdict(&[], Some((&by_other_grant, &stored)), "wallet", NOW);
    assert_eq!(verdict_of_both, Err(Unknown), "the other grant was first: its token stays");
    let locked = Grant { attempts: 99, ..grant.clone() };
    assert_eq!(verdict(&[], Some((&locked, &stored)), "wallet", NOW), all, "guesses at the other");
}

/// RFC 9449 §10: a code that was asked for with a key is for that key; RFC 9449 §5: where tokens
/// must be bound, nobody gets another one.
#[tokio::test]
async fn a_code_may_be_for_one_key() {
    let (own, other, none) = (bound_sender().await, bound_sender().await, Sender::default());
    let jkt = own.bound_to().map(ToString::to_string);
    let (grant, stored) = (grant(), authorization(|code| code.request.dpop_jkt = jkt));
    let (plain, client) = (authorization(|_| {}), public("wallet"));
    let verdict = |sender: &Sender, stored: &Authorization, dpop_required| {
        let policy = SenderPolicy { dpop_required, ..SenderPolicy::default() };
        let requester = Requester { client: &client, sender, policy };
        let request = code_request(&[]).unwrap();
        decide(&request, Some((&grant, stored)), requester, ISSUER, NOW).map(|_| ())
    };
    assert_eq!(verdict(&own, &stored, false), Ok(()));
    assert_eq!(verdict(&other, &stored, false), Err(TokenRefusal::OtherKey));
    assert_eq!(verdict(&none, &stored, false), Err(TokenRefusal::OtherKey));
    assert_eq!(verdict(&other, &plain, false), Ok(()), "any key, where none was named");
    assert!(matches!(verdict(&none, &plain, true), Err(TokenRefusal::Dpop(_))));
}

/// RFC 6749 §4.1.2, RFC 6749 §10.5: the second use ends what the first gave; TOKEN-15: less is allowed.
#[test]
fn a_code_that_comes_twice_ends_its_tokens() {
    let (grant, spent) = (redeemed(), authorization(|code| code.is_spent = true));
    let ended = Ok(vec!["ended".to_owned()]);
    assert_eq!(verdict(&[], Some((&grant, &spent)), "wallet", NOW.plus(9999)), ended);
    let other = verdict(&[], Some((&grant, &spent)), "another", NOW);
    assert_eq!(other, Err(TokenRefusal::UnknownAuthorizationCode), "nobody else can end them");

    let stored = authorization(|code| code.request.credential_configuration_ids.truncate(1));
    let details = |id: &str| {
        format!(r#"[{{"type":"openid_credential","credential_configuration_id":"{id}"}}]"#)
    };
    let asked = |id| {
        let details = details(id);
        let grant = fixture::grant();
        verdict(&[("authorization_details", &details)], Some((&grant, &stored)), "wallet", NOW)
    };
    assert_eq!(asked("student_card"), Ok(vec!["student_card".to_owned()]));
    assert_eq!(asked("diploma"), Err(TokenRefusal::DetailsNotOffered), "more than was allowed");
}

fn query(token: &str) -> TokenQuery {
    let form = [("token".to_owned(), token.to_owned()), ("token_type_hint".to_owned(), "x".into())];
    TokenQuery::parse(&form).unwrap()
}

/// RFC 7662 §2.2, RFC 7662 §4: a client learns of its own tokens alone, and of dead ones nothing.
#[tokio::test]
async fn introspection_tells_a_client_of_its_own_tokens() {
    let (server, other) = (confidential("wallet").await, confidential("another").await);
    let mut grant = redeemed();
    grant.redemption.as_mut().unwrap().client_id = Some("wallet".into());
    let stored = refreshing(None);
    let ask = |token: &str, client: &AuthenticatedClient, now| {
        let found = Some((&grant, Some(&stored)));
        let answer = introspect(&query(token), found, client, ISSUER, now);
        to_value(answer.unwrap()).unwrap()
    };
    let inactive = serde_json::json!({ "active": false });
    let active = ask(TOKEN, &server, NOW);
    assert_eq!(active["active"], true);
    assert_eq!(active["token_type"], "Bearer");
    assert_eq!(active["exp"], NOW.0 + 300);
    assert_eq!(active["client_id"], "wallet");
    assert_eq!(active["iss"], ISSUER);
    assert_eq!(ask(REFRESH, &server, NOW)["exp"], NOW.0 + 3600);
    assert_eq!(ask(TOKEN, &server, NOW.plus(300)), inactive, "dead");
    assert_eq!(ask("another", &server, NOW), inactive);
    assert_eq!(ask("the first", &server, NOW), inactive, "replaced");
    assert_eq!(ask(TOKEN, &other, NOW), inactive, "of another client");
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().thumbprint();
    let mut bound = grant.clone();
    bound.redemption.as_mut().unwrap().bound_to = Some(key.clone());
    let found = Some((&bound, Some(&stored)));
    let bound = introspect(&query(TOKEN), found, &server, ISSUER, NOW).unwrap();
    assert_eq!(bound.token_type, Some("DPoP"), "RFC 9449 §6.2");
    assert_eq!(to_value(bound).unwrap()["cnf"]["jkt"], key.to_string());
    assert!(active.get("cnf").is_none());
    let public = introspect(&query(TOKEN), None, &public("wallet"), ISSUER, NOW);
    assert_eq!(public, Err(TokenQueryRefusal::PublicClient), "RFC 7662 §2.1");
}

/// RFC 7009 §2.1, RFC 7009 §2.2
#[test]
fn a_client_revokes_its_own_tokens() {
    let mut grant = redeemed();
    grant.redemption.as_mut().unwrap().client_id = Some("wallet".into());
    let stored = refreshing(None);
    let found = Some((&grant, Some(&stored)));
    for (token, client, expected) in [
        (TOKEN, "wallet", true),
        (REFRESH, "wallet", true),
        ("another", "wallet", false),
        (TOKEN, "another", false),
    ] {
        assert_eq!(revokes(&query(token), found, &public(client)), expected, "{token} {client}");
    }
    assert!(!revokes(&query(TOKEN), None, &public("wallet")));
    assert_eq!(TokenQuery::parse(&[]).err(), Some(TokenQueryRefusal::MissingToken));
}

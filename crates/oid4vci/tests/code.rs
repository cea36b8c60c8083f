//! RFC 6749 §4.1.3, RFC 6749 §6, RFC 7009 and RFC 7662 as tables: what codes and tokens are worth, and to whom.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "other tests need more of it")]
mod bound;
mod fixture;
#[expect(dead_code, reason = "other tests need more of it")]
mod jose;

use std::collections::BTreeMap;

use fixture::{NOW, OFFER, TOKEN, grant, redeemed};
use keys::algorithm::Algorithm;
use keys::outside::{Random, Timestamp};
use keys::public_key::Thumbprint;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::authorization::{AnswerTo, Authorization, AuthorizationRequest, GrantedCode};
use oid4vci::client::{
    AuthenticatedClient, Client, ClientAuthentication, ClientContext, ClientCredentials, ClientKey,
    NewClientAssertion, Requester, authenticate,
};
use oid4vci::code::{AuthorizationCodeRequest, CodeCommit, decide};
use oid4vci::grant::Grant;
use oid4vci::introspection::{TokenQuery, TokenQueryRefusal, introspect, revokes};
use oid4vci::refresh::{
    GRACE_SECONDS, RefreshChain, RefreshCommit, RefreshTokenRequest, decide as decide_refresh,
};
use oid4vci::secret::{AuthorizationCode, CodeVerifier, RefreshToken};
use oid4vci::sender::{Sender, SenderPolicy};
use oid4vci::token::{TokenRefusal, TokenRequest};
use serde_json::to_value;

const ISSUER: &str = "https://issuer.example";
const REDIRECT: &str = "https://wallet.example/cb";
const AUTHORIZATION_CODE: &str = "the authorization code";
const REFRESH: &str = "the refresh token";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0";

#[derive(Debug)]
struct Fixed;

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(9);
    }
}

fn public(client_id: &str) -> AuthenticatedClient {
    let client = Client {
        client_id: client_id.into(),
        name: "Wallet".into(),
        authentication: ClientAuthentication::None,
        redirect_uris: Vec::new(),
    };
    let credentials =
        ClientCredentials { client_id: Some(client_id.into()), client_assertion: None };
    authenticate(&credentials, Some(&client), &context()).unwrap()
}

fn context() -> ClientContext<'static> {
    let token_endpoint = "https://issuer.example/token";
    ClientContext { authorization_server: ISSUER, token_endpoint, window_seconds: 60, now: NOW }
}

async fn confidential(client_id: &str) -> AuthenticatedClient {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let assertion =
        NewClientAssertion { client_id, authorization_server: ISSUER, kid: None, now: NOW };
    let jwt = assertion.sign(&key, &Fixed).await.unwrap();
    let keys = vec![ClientKey { kid: None, key: key.public_key().clone() }];
    let client = Client {
        client_id: client_id.into(),
        name: "Wallet".into(),
        authentication: ClientAuthentication::PrivateKeyJwt(keys),
        redirect_uris: Vec::new(),
    };
    let credentials = ClientCredentials { client_id: None, client_assertion: Some(jwt) };
    authenticate(&credentials, Some(&client), &context()).unwrap()
}

/// A sender that proves a key of its own.
async fn bound_sender() -> Sender {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let proof = bound::with_claims(&key, &serde_json::json!({})).await;
    Sender { dpop: Some(bound::check(&proof, None).unwrap()), client: None }
}

/// Allowed for both configurations of the offer, good for a minute.
fn authorization(change: impl FnOnce(&mut GrantedCode)) -> Authorization {
    let request = AuthorizationRequest {
        client_id: "wallet".into(),
        answer_to: AnswerTo { redirect_uri: REDIRECT.into(), state: None },
        code_challenge: CodeVerifier::new(VERIFIER).challenge(),
        credential_configuration_ids: vec!["student_card".into(), "diploma".into()],
        by_identifier: false,
        scope: Some("card diploma".into()),
        claims: BTreeMap::new(),
        dpop_jkt: None,
        offer_id: None,
    };
    let mut code = GrantedCode {
        digest: AuthorizationCode::new(AUTHORIZATION_CODE).digest(),
        expires_at: NOW.plus(60),
        request,
        account: "ada".into(),
        is_spent: false,
    };
    change(&mut code);
    Authorization {
        id: OFFER,
        issuer_state_digest: None,
        code: Some(code),
        refresh: None,
        for_account: None,
    }
}

fn form(grant_type: &str, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let all = [&[("grant_type", grant_type)], pairs].concat();
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

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
    let cases: [(&str, Change<'_>, Option<TokenRefusal>); 7] = [
        ("good", &[], None),
        ("no code", &[("code", "")], Some(MissingCodeParameter)),
        ("no redirect_uri", &[("redirect_uri", "")], Some(MissingCodeParameter)),
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

/// RFC 6749 §4.1.2, RFC 6749 §4.1.3, RFC 6749 §5.2, RFC 7636 §4.6, B21: one line a rule.
#[test]
fn a_code_is_for_one_client_one_address_and_one_verifier() {
    use TokenRefusal::{
        ForeignResource, OtherRedirectUri, UnknownAuthorizationCode as Unknown, WrongVerifier,
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

fn refreshing(sender: Option<Thumbprint>) -> Authorization {
    let first = RefreshToken::new("the first").digest();
    let chain = RefreshChain::first(first, NOW, NOW.plus(3600), sender);
    let chain = chain.renewed(first, RefreshToken::new(REFRESH).digest(), NOW);
    Authorization { refresh: Some(chain), ..authorization(|code| code.is_spent = true) }
}

fn refresh_request(pairs: &[(&str, &str)]) -> RefreshTokenRequest {
    let pairs = [&[("client_id", "wallet")], pairs].concat();
    match TokenRequest::parse(&form("refresh_token", &pairs)).unwrap() {
        TokenRequest::RefreshToken(request) => request,
        other @ (TokenRequest::PreAuthorizedCode(_) | TokenRequest::AuthorizationCode(_)) => {
            panic!("{other:?}")
        }
    }
}

fn renewed(
    pairs: &[(&str, &str)],
    found: (&Grant, &Authorization),
    (client, sender): (&AuthenticatedClient, Option<&Sender>),
    now: Timestamp,
) -> Result<Vec<String>, TokenRefusal> {
    let nobody = Sender::default();
    let sender = sender.unwrap_or(&nobody);
    let requester = Requester { client, sender, policy: SenderPolicy::default() };
    match decide_refresh(&refresh_request(pairs), Some(found), requester, ISSUER, now)? {
        RefreshCommit::Renew(renewal) => Ok(renewal.credential_configuration_ids),
        RefreshCommit::EndTokens(_) => Ok(vec!["ended".into()]),
    }
}

/// RFC 6749 §6, RFC 6749 §10.4: of one client and key, for no more than was allowed.
#[tokio::test]
async fn a_refresh_token_is_for_the_wallet_that_got_it() {
    use TokenRefusal::{ScopeNotGranted, UnknownRefreshToken as Unknown};
    let (grant, wallet, other) = (redeemed(), public("wallet"), public("another"));
    let (plain, key) = (refreshing(None), bound_sender().await);
    let bound = refreshing(key.bound_to().cloned());
    let good = [("refresh_token", REFRESH)];
    let all = Ok(vec!["student_card".to_owned(), "diploma".to_owned()]);
    let found = (&grant, &plain);
    assert_eq!(renewed(&good, found, (&wallet, None), NOW), all);
    assert_eq!(renewed(&good, found, (&wallet, None), NOW.plus(3599)), all);
    assert_eq!(renewed(&good, found, (&wallet, None), NOW.plus(3600)), Err(Unknown), "over");
    assert_eq!(renewed(&good, found, (&other, None), NOW), Err(Unknown));
    let strange = [("refresh_token", "another")];
    assert_eq!(renewed(&strange, found, (&wallet, None), NOW), Err(Unknown));
    let narrower = [("refresh_token", REFRESH), ("scope", "card")];
    assert_eq!(renewed(&narrower, found, (&wallet, None), NOW), all);
    let wider = [("refresh_token", REFRESH), ("scope", "card admin")];
    assert_eq!(renewed(&wider, found, (&wallet, None), NOW), Err(ScopeNotGranted));
    assert_eq!(renewed(&good, (&grant, &bound), (&wallet, Some(&key)), NOW), all, "RFC 9449 §5");
    assert_eq!(renewed(&good, (&grant, &bound), (&wallet, None), NOW), Err(Unknown));
    let stranger = bound_sender().await;
    assert_eq!(renewed(&good, (&grant, &bound), (&wallet, Some(&stranger)), NOW), Err(Unknown));
    let withdrawn = Grant { withdrawn_at: Some(NOW), ..grant.clone() };
    assert_eq!(renewed(&good, (&withdrawn, &plain), (&wallet, None), NOW), Err(Unknown));
    let missing = TokenRequest::parse(&form("refresh_token", &[]));
    assert_eq!(missing.err(), Some(TokenRefusal::MissingRefreshToken));
}

/// B22, RFC 9700 §4.14.2: a replaced token is a thief's, or its answer was lost.
#[tokio::test]
async fn a_replaced_token_comes_again_only_from_who_proves_itself() {
    let (grant, wallet, key) = (redeemed(), public("wallet"), bound_sender().await);
    let server = confidential("wallet").await;
    let (plain, bound) = (refreshing(None), refreshing(key.bound_to().cloned()));
    let replaced = [("refresh_token", "the first")];
    let all = Ok(vec!["student_card".to_owned(), "diploma".to_owned()]);
    let ended = Ok(vec!["ended".to_owned()]);
    let last = NOW.plus(GRACE_SECONDS - 1);
    let over = NOW.plus(GRACE_SECONDS);
    let (plain, bound) = ((&grant, &plain), (&grant, &bound));
    assert_eq!(renewed(&replaced, plain, (&wallet, None), NOW), ended, "proves nothing");
    assert_eq!(renewed(&replaced, plain, (&server, None), last), all);
    assert_eq!(renewed(&replaced, plain, (&server, None), over), ended);
    assert_eq!(renewed(&replaced, bound, (&wallet, Some(&key)), last), all);
    assert_eq!(renewed(&replaced, bound, (&wallet, Some(&key)), over), ended);
    let stranger = bound_sender().await;
    assert_eq!(renewed(&replaced, bound, (&wallet, Some(&stranger)), NOW), ended);

    // Retries do not draw out the time of grace, and the use of the new one ends it.
    let chain = bound.1.refresh.clone().unwrap();
    let first = RefreshToken::new("the first").digest();
    let retried = chain.renewed(first, RefreshToken::new("third").digest(), last);
    assert_eq!(retried.replaced_at, NOW);
    let used = chain.renewed(chain.digest, RefreshToken::new("third").digest(), last);
    assert!(used.replaced.unwrap().matches(&chain.digest) && used.replaced_at == last);
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

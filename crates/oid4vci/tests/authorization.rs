//! VCI §5, RFC 6749 §4.1, RFC 9126 and RFC 9207 as tables.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
mod refusals;

use std::collections::BTreeMap;

use keys::outside::{Random, Timestamp};
use oid4vci::authorization::{
    AnswerTo, Authorization, AuthorizationRefusal, AuthorizationRequest, DeadEnd,
    NewAuthorizationRequest, ParsedRequest, PushRefusal, PushResponse, PushedRequest, Requestable,
    RunningAuthorization, Selection, Stage, request_handle,
};
use oid4vci::client::{Client, ClientAuthentication, RedirectUri};
use oid4vci::error::{ErrorCode, Refusal as _};
use oid4vci::offer::OfferId;
use oid4vci::secret::{AuthorizationHandle, CodeVerifier, IssuerState};
use refusals::check_texts;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";
const REDIRECT: &str = "https://wallet.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const NOW: Timestamp = Timestamp(1_750_000_000);

#[derive(Debug)]
struct Counting(u8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn client() -> Client {
    Client {
        client_id: "wallet".into(),
        name: "Wallet".into(),
        authentication: ClientAuthentication::None,
        redirect_uris: vec![RedirectUri::parse(REDIRECT).unwrap()],
        is_first_party: false,
        signs_requests: false,
    }
}

fn configurations() -> BTreeMap<String, Option<String>> {
    let scoped = |id: &str, scope: Option<&str>| (id.to_owned(), scope.map(str::to_owned));
    [scoped("card", Some("cards")), scoped("pass", Some("cards")), scoped("ticket", None)].into()
}

/// What a test adds to a request.
type Change<'c> = &'c [(&'c str, &'c str)];

const BASE: [(&str, &str); 5] = [
    ("response_type", "code"),
    ("client_id", "wallet"),
    ("redirect_uri", REDIRECT),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The base with these parameters in place of those of the same name; an empty one counts as absent.
fn form(change: &[(&str, &str)]) -> Vec<(String, String)> {
    let kept = BASE.iter().filter(|(name, _)| change.iter().all(|(other, _)| other != name));
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    kept.chain(change).map(owned).collect()
}

fn parse(change: &[(&str, &str)]) -> Result<ParsedRequest, AuthorizationRefusal> {
    let (form, client, configurations) = (form(change), client(), configurations());
    let answer_to = AnswerTo::parse(&form, &client).unwrap();
    let server = Requestable { credential_issuer: ISSUER, configurations: &configurations };
    ParsedRequest::parse(&form, &client, answer_to, &server)
}

fn request(change: &[(&str, &str)]) -> AuthorizationRequest {
    parse(change).unwrap().with_offer(None).unwrap()
}

fn details(value: &Value) -> String {
    value.to_string()
}

/// RFC 6749 §4.1.2.1, B21: where the way back is not certain, nobody is sent anywhere.
#[test]
fn an_error_goes_only_where_the_client_is_registered() {
    let answer = |change: &[(&str, &str)]| AnswerTo::parse(&form(change), &client());
    assert_eq!(answer(&[("redirect_uri", "")]), Err(DeadEnd::NoRedirectUri));
    let foreign = answer(&[("redirect_uri", "https://evil.example/cb")]);
    assert_eq!(foreign, Err(DeadEnd::ForeignRedirectUri));
    let twice = answer(&[("redirect_uri", REDIRECT), ("redirect_uri", REDIRECT)]);
    assert_eq!(twice, Err(DeadEnd::RepeatedParameter));
    assert_eq!(answer(&[("state", &"s".repeat(5000))]), Err(DeadEnd::TooLong));
    let answer_to = answer(&[("state", "a b")]).unwrap();
    assert_eq!(
        (answer_to.redirect_uri.as_str(), answer_to.state.as_deref()),
        (REDIRECT, Some("a b"))
    );
}

/// AUTHZ-02, META-30, SEC-01, AUTHZ-03, RFC 7636 §4.4.1, RFC 8707 §2: one line a rule.
#[test]
fn a_request_is_read_or_refused() {
    use AuthorizationRefusal as R;
    let scope = ("scope", "cards");
    let cases: [(&str, Change<'_>, Option<R>); 17] = [
        ("good", &[scope], None),
        ("AUTHZ-20: unknown parameters", &[scope, ("x", "1"), ("x", "2"), ("prompt", "x")], None),
        ("the only response_mode", &[scope, ("response_mode", "query")], None),
        ("another", &[scope, ("response_mode", "fragment")], Some(R::ResponseMode)),
        ("no response_type", &[scope, ("response_type", "")], Some(R::NoResponseType)),
        ("implicit", &[scope, ("response_type", "token")], Some(R::ResponseType)),
        ("a request object", &[scope, ("request", "a.b.c")], Some(R::RequestObject)),
        ("no PKCE", &[scope, ("code_challenge", "")], Some(R::NoChallenge)),
        ("plain", &[scope, ("code_challenge_method", "plain")], Some(R::ChallengeMethod)),
        ("plain by default", &[scope, ("code_challenge_method", "")], Some(R::ChallengeMethod)),
        ("not a digest", &[scope, ("code_challenge", "abc")], Some(R::BadChallenge)),
        ("RFC 9449 §10", &[scope, ("dpop_jkt", "abc")], Some(R::BadThumbprint)),
        ("AUTHZ-13: nothing known", &[("scope", "openid mail")], Some(R::NothingAskedFor)),
        ("nothing at all", &[], Some(R::NothingAskedFor)),
        ("AUTHZ-16: our resource", &[scope, ("resource", ISSUER)], None),
        ("another's", &[scope, ("resource", "https://x.example")], Some(R::ForeignResource)),
        ("RFC 6749 §3.1", &[scope, scope], Some(R::RepeatedParameter)),
    ];
    for (rule, change, refusal) in cases {
        assert_eq!(parse(change).err(), refusal, "{rule}");
    }
}

/// AUTHZ-04 to AUTHZ-10 (AUTHZ-05), RFC 9396 §5, DEP-09, CLAIM-01, CLAIM-03, CLAIM-08 to CLAIM-10.
#[test]
fn details_are_read_or_refused() {
    use AuthorizationRefusal::{BadClaims, BadDetails, ForeignLocation, UnknownConfiguration};
    let card = |more: Value| {
        let mut detail =
            json!({ "type": "openid_credential", "credential_configuration_id": "card" });
        for (name, value) in more.as_object().unwrap() {
            detail[name] = value.clone();
        }
        json!([detail])
    };
    let claims = |paths: Value| {
        let one = |path: &Value| json!({ "path": path });
        card(json!({ "claims": paths.as_array().unwrap().iter().map(one).collect::<Vec<_>>() }))
    };
    let cases = [
        ("plain", card(json!({})), None),
        ("AUTHZ-08: unknown members", card(json!({ "x": 1 })), None),
        (
            "AUTHZ-09: our location",
            card(json!({ "locations": ["https://x.example", ISSUER] })),
            None,
        ),
        ("only others", card(json!({ "locations": ["https://x.example"] })), Some(ForeignLocation)),
        ("locations of another shape", card(json!({ "locations": ISSUER })), Some(BadDetails)),
        ("RFC 9396 §5: another type", card(json!({ "type": "payment" })), Some(BadDetails)),
        (
            "AUTHZ-06: unknown",
            card(json!({ "credential_configuration_id": "x" })),
            Some(UnknownConfiguration),
        ),
        ("no id", card(json!({ "credential_configuration_id": null })), Some(BadDetails)),
        ("empty", json!([]), Some(BadDetails)),
        ("no array", json!({}), Some(BadDetails)),
        ("AUTHZ-07", claims(json!([["name"], ["address", "city"], ["marks", 0]])), None),
        ("CLAIM-03", card(json!({ "claims": [{ "path": ["a"], "other": 1 }] })), None),
        ("AUTHZ-10", json!([card(json!({}))[0], card(json!({ "x": 1 }))[0]]), None),
        ("CLAIM-01: an empty path", claims(json!([[]])), Some(BadClaims)),
        ("CLAIM-01: no claims", card(json!({ "claims": [] })), Some(BadClaims)),
        ("CLAIM-08: twice", claims(json!([["name"], ["name"]])), Some(BadClaims)),
        ("CLAIM-09", claims(json!([["marks", null], ["marks", 0]])), Some(BadClaims)),
        ("CLAIM-10", claims(json!([["marks", 0], ["marks", "x"]])), Some(BadClaims)),
        (
            "CLAIM-02",
            card(json!({ "claims": [{ "path": ["a"], "mandatory": 1 }] })),
            Some(BadClaims),
        ),
    ];
    for (rule, value, refusal) in cases {
        let parsed = parse(&[("authorization_details", &details(&value))]);
        assert_eq!(parsed.err(), refusal, "{rule}");
    }
    let wanted = request(&[("authorization_details", &details(&claims(json!([["name"]]))))]);
    assert_eq!(wanted.claims["card"][0].path, ["name"]);
    assert!(!wanted.claims["card"][0].mandatory, "CLAIM-02: the default");
}

/// AUTHZ-11, AUTHZ-12, AUTHZ-13, AUTHZ-17.
#[test]
fn scope_and_details_are_read_each_by_itself() {
    let ids = |change: &[(&str, &str)]| {
        let request = request(change);
        (request.credential_configuration_ids, request.by_identifier, request.scope)
    };
    let named = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let scope = ("scope", "openid cards cards");
    let granted = Some("cards".to_owned());
    assert_eq!(ids(&[scope]), (named(&["card", "pass"]), false, granted.clone()), "META-29");
    let ticket = json!([{ "type": "openid_credential", "credential_configuration_id": "ticket" }]);
    let ticket = details(&ticket);
    let alone = ids(&[("authorization_details", &ticket)]);
    assert_eq!(alone, (named(&["ticket"]), true, None), "META-31");
    let both = ids(&[("authorization_details", &ticket), scope]);
    assert_eq!(both, (named(&["ticket", "card", "pass"]), true, granted), "AUTHZ-17");
}

fn authorization(state: Option<&IssuerState>) -> Authorization {
    let issuer_state_digest = state.map(IssuerState::digest);
    Authorization {
        id: OfferId([3; 16]),
        issuer_state_digest,
        code: None,
        refresh: None,
        for_account: None,
    }
}

/// AUTHZ-18, AUTHZ-19, TOKEN-11.
#[test]
fn an_issuer_state_is_ours_or_refused() {
    let state = IssuerState::new("the state");
    let (ours, other) = (authorization(Some(&state)), authorization(Some(&IssuerState::new("x"))));
    let none = authorization(None);
    let offered = vec!["card".to_owned(), "ticket".to_owned()];
    let verdict = |change: &[(&str, &str)], stored: Option<&Authorization>| {
        let change = [change, &[("issuer_state", "the state")]].concat();
        let offer = stored.map(|stored| (stored, offered.as_slice()));
        parse(&change)
            .unwrap()
            .with_offer(offer)
            .map(|request| (request.credential_configuration_ids, request.offer_id))
    };
    let unknown = Err(AuthorizationRefusal::UnknownIssuerState);
    for stored in [None, Some(&other), Some(&none)] {
        assert_eq!(verdict(&[("scope", "cards")], stored), unknown, "injected, or over");
    }
    let all = Ok((offered.clone(), Some([3; 16])));
    assert_eq!(verdict(&[], Some(&ours)), all, "an offer alone asks for all of it");
    let card = json!([{ "type": "openid_credential", "credential_configuration_id": "card" }]);
    let card = verdict(&[("authorization_details", &details(&card))], Some(&ours));
    assert_eq!(card, Ok((vec!["card".to_owned()], Some([3; 16]))));
    let more = verdict(&[("scope", "cards")], Some(&ours));
    assert_eq!(more, Err(AuthorizationRefusal::NotOffered));
}

/// DEP-02, RFC 9126 §2.1, RFC 9126 §2.2, RFC 9126 §2.3: what a client is told, as nobody is
/// redirected.
#[test]
fn a_pushed_request_is_judged_like_any_other() {
    let (client, configurations) = (client(), configurations());
    let server = Requestable { credential_issuer: ISSUER, configurations: &configurations };
    let push = |change: &[(&str, &str)]| PushedRequest::parse(&form(change), &client, &server);
    assert!(push(&[("scope", "cards")]).is_ok());
    let nested = push(&[("scope", "cards"), ("request_uri", "urn:x")]);
    assert_eq!(nested.err(), Some(PushRefusal::RequestUri));
    let foreign = push(&[("redirect_uri", "https://evil.example")]);
    assert_eq!(foreign.err(), Some(PushRefusal::DeadEnd(DeadEnd::ForeignRedirectUri)));
    let nothing = push(&[]).unwrap_err();
    assert_eq!(nothing.answer().0, ErrorCode::InvalidScope, "RFC 9126 §2.3");
    let handle = AuthorizationHandle::new("h");
    let answer = PushResponse::new(&handle);
    assert_eq!(request_handle(&answer.request_uri).unwrap().expose(), "h");
    assert!(request_handle("https://evil.example/request").is_none());
}

/// RFC 9126 §2.2, RFC 9126 §4: a `request_uri` is of one client, one browser and short life.
#[test]
fn each_stage_opens_by_its_own_handle() {
    let id = OfferId([3; 16]);
    let (handle, other) = (
        AuthorizationHandle::fresh(id, &Counting(1)),
        AuthorizationHandle::fresh(id, &Counting(2)),
    );
    assert_eq!(handle.offer_id(), Some(id));
    let at = |stage| RunningAuthorization {
        id,
        handle_digest: handle.digest(),
        expires_at: NOW.plus(90),
        stage,
        request: request(&[("scope", "cards")]),
    };
    let pushed = at(Stage::Pushed);
    let good = |found: Option<&RunningAuthorization>, handle, client, now| {
        RunningAuthorization::pushed(found, handle, client, now).is_ok()
    };
    assert!(good(Some(&pushed), &handle, "wallet", NOW.plus(89)));
    assert!(!good(Some(&pushed), &handle, "wallet", NOW.plus(90)), "too late");
    assert!(!good(Some(&pushed), &handle, "another", NOW), "of another client");
    assert!(!good(Some(&pushed), &other, "wallet", NOW), "another handle");
    assert!(!good(Some(&at(Stage::Opened)), &handle, "wallet", NOW), "used before");
    assert!(!good(None, &handle, "wallet", NOW));
    let open = |found: Option<&RunningAuthorization>, handle, now| {
        RunningAuthorization::opened(found, handle, now).is_ok()
    };
    assert!(!open(Some(&pushed), &handle, NOW), "the request_uri opens no page");
    for stage in [Stage::Opened, Stage::SignedIn("ada".into())] {
        let found = at(stage);
        assert!(open(Some(&found), &handle, NOW));
        assert!(!open(Some(&found), &other, NOW));
        assert!(!open(Some(&found), &handle, NOW.plus(90)));
    }
}

/// AUTHZ-03, AUTHZ-09, AUTHZ-18: what a Wallet sends is what the rules accept.
#[test]
fn a_wallet_sends_what_the_server_reads() {
    let verifier = CodeVerifier::fresh(&Counting(7));
    let ids = ["card".to_owned()];
    let new = NewAuthorizationRequest {
        client_id: "wallet",
        redirect_uri: REDIRECT,
        state: "s",
        code_challenge: &verifier.challenge(),
        selection: Selection::Details(&ids),
        location: Some(ISSUER),
        issuer_state: None,
    };
    let form: Vec<(String, String)> =
        new.to_form().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (client, configurations) = (client(), configurations());
    let server = Requestable { credential_issuer: ISSUER, configurations: &configurations };
    let parsed = PushedRequest::parse(&form, &client, &server).unwrap().with_offer(None).unwrap();
    assert_eq!(parsed.credential_configuration_ids, ids);
    assert_eq!(parsed.answer_to.state.as_deref(), Some("s"));
    assert!(parsed.code_challenge.is_of(&verifier));
    assert!(!parsed.code_challenge.is_of(&CodeVerifier::fresh(&Counting(8))));
    assert!(parsed.by_identifier && form.iter().all(|(name, _)| name != "scope"));

    // HAIP-19, HAIP-23, AUTHZ-16: the same by scope, for this issuer among others of its server.
    let scopes = ["cards".to_owned()];
    let new = NewAuthorizationRequest { selection: Selection::Scopes(&scopes), ..new };
    let form: Vec<(String, String)> =
        new.to_form().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let value =
        |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, value)| &**value);
    assert_eq!((value("scope"), value("resource")), (Some("cards"), Some(ISSUER)));
    assert_eq!(value("authorization_details"), None);
    let parsed = PushedRequest::parse(&form, &client, &server).unwrap().with_offer(None).unwrap();
    assert_eq!(parsed.credential_configuration_ids, ["card", "pass"], "AUTHZ-12");
    assert!(!parsed.by_identifier);
    let alone = NewAuthorizationRequest { location: None, ..new }.to_form();
    assert!(alone.iter().all(|(name, _)| *name != "resource"), "its own server need not be told");
}

/// RFC 6749 §4.1.2.1: each has a code and a text of its own.
#[test]
fn each_refusal_has_its_answer() {
    let requests = every!(AuthorizationRefusal {
        RepeatedParameter,
        TooLong,
        NoResponseType,
        ResponseType,
        ResponseMode,
        RequestObject,
        NoChallenge,
        ChallengeMethod,
        BadChallenge,
        BadThumbprint,
        NothingAskedFor,
        ForeignResource,
        BadDetails,
        UnknownConfiguration,
        ForeignLocation,
        BadClaims,
        UnknownIssuerState,
        NotOffered,
        Denied,
        NotEntitled,
    });
    check_texts(&requests.map(|refusal| refusal.answer().1));
    let dead_ends = every!(DeadEnd {
        UnknownClient,
        NoRedirectUri,
        ForeignRedirectUri,
        RepeatedParameter,
        TooLong,
        UnknownRequest,
        ForeignRequestUri,
        MustBePushed,
        Over,
    } except DeadEnd::RequestObject(_));
    check_texts(&dead_ends.map(|refusal| refusal.answer().1));
}

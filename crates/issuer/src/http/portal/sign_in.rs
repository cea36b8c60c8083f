//! Steps 5-8 of the Authorization Code Flow in the browser: a person signs in, sees who wants what,
//! and answers (RFC 6749 §4.1.1, AUTHZ-25).

use axum::Extension;
use axum::extract::{RawQuery, Request};
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use oid4vci::authorization::{DeadEnd, Person, RunningAuthorization, Stage};
use oid4vci::legacy::Dialect;
use oid4vci::provider::ProviderRefusal;
use oid4vci::secret::AuthorizationHandle;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::apply::read;
use super::form_session;
use super::trouble::Trouble;
use super::visitor::{Segment, Visitor};
use crate::account::Password;
use crate::credential_type::{Claim, Disclosure, ValueType};
use crate::failure::Failure;
use crate::flow::authorization::{
    Entitled, Opened, SignIn, allow, client_name, deny, entitled, open, running, sign_in,
};
use crate::portal::assets;
use crate::portal::pages::{ConsentPage, ProviderTrouble, ShownClaim, ShownCredential, SignInPage};
use crate::provider::Provider;

impl From<Failure<DeadEnd>> for Trouble {
    fn from(failure: Failure<DeadEnd>) -> Self {
        match failure {
            Failure::Refused(dead_end) => Self::DeadEnd(dead_end),
            Failure::Broken(broken) => Self::Broken(broken),
        }
    }
}

/// `GET /authorize`, also below the identifier of a draft: afterwards the request stands no longer in the address, and a reload is
/// harmless.
pub(super) async fn authorize(
    Extension(visitor): Extension<Visitor>,
    dialect: Option<Extension<Dialect>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let query = query.unwrap_or_default();
    let query: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let dialect = dialect.map(|Extension(dialect)| dialect);
    match open(visitor.issuer(), dialect, &query).await? {
        Opened::Pages(handle) => Ok(to_pages(&visitor, &handle)),
        Opened::Client(address) => to_client(&address),
    }
}

/// `GET /authorize/HANDLE`: the form to sign in, and then the question.
pub(super) async fn page(
    Extension(visitor): Extension<Visitor>,
    Segment(handle): Segment,
) -> Result<Response, Trouble> {
    let handle = AuthorizationHandle::new(handle);
    let seen = running(visitor.issuer(), &handle).await?;
    match &seen.stage {
        Stage::SignedIn(person) => consent_page(&visitor, (&handle, person), &seen).await,
        Stage::Opened | Stage::Pushed => {
            sign_in_page(&visitor, &handle, &seen, Problem::None).await
        }
    }
}

/// `POST /authorize/HANDLE`
pub(super) async fn answer(
    Extension(visitor): Extension<Visitor>,
    Segment(handle): Segment,
    request: Request,
) -> Result<Response, Trouble> {
    let answers = read(&visitor, request).await?;
    visitor.check_csrf(answers.text(form_session::FIELD).as_deref())?;
    let handle = AuthorizationHandle::new(handle);
    let issuer = visitor.issuer();
    let seen = running(issuer, &handle).await?;
    let text = |name: &str| answers.text(name).unwrap_or_default().into_owned();
    match (text("answer").as_str(), &seen.stage) {
        ("deny", _) => to_client(&deny(issuer, &seen).await?),
        ("allow", Stage::SignedIn(_)) => to_client(&allow(issuer, &seen).await?),
        ("sign-in", Stage::Opened) => {
            let account = text("account");
            let (attempt, turn) = visitor.try_sign_in(&account).await?;
            let password = Password::new(text("password"));
            match sign_in(issuer, &seen, &account, (password, turn)).await? {
                SignIn::Done(next) => {
                    let mut response = to_pages(&visitor, &next);
                    visitor.remember(&account, &mut response);
                    Ok(response)
                }
                SignIn::Wrong => {
                    attempt.note_failure();
                    sign_in_page(&visitor, &handle, &seen, Problem::Wrong(&account)).await
                }
            }
        }
        _ => Err(Trouble::DeadEnd(DeadEnd::Over)),
    }
}

pub(super) fn to_pages(visitor: &Visitor, handle: &AuthorizationHandle) -> Response {
    let base = visitor.site().base;
    Redirect::to(&format!("{base}/authorize/{}", handle.expose())).into_response()
}

/// 303, so that a browser does not send the form along (RFC 9700 §4.12).
fn to_client(address: &str) -> Result<Response, Trouble> {
    let address = HeaderValue::try_from(address);
    let address = address.map_err(|error| Trouble::fault(error.to_string()))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response())
}

/// Browsers hold the redirect that answers a form against the policy of its page: the client's
/// address must be in it.
fn with_policy(mut response: Response, seen: &RunningAuthorization) -> Response {
    let policy = assets::CONTENT_SECURITY_POLICY;
    let target = Url::parse(&seen.request.answer_to.redirect_uri).ok().map(|url| {
        let origin = url.origin();
        if origin.is_tuple() { origin.ascii_serialization() } else { format!("{}:", url.scheme()) }
    });
    let form_action = format!("form-action 'self' {}", target.unwrap_or_default());
    let policy = policy.replace("form-action 'self'", &form_action);
    let policy = HeaderValue::try_from(policy).ok();
    response.headers_mut().extend(policy.map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    response
}

/// Why somebody sees the form to sign in once more.
pub(super) enum Problem<'p> {
    /// It is the first time.
    None,
    /// The account that was typed, or its password.
    Wrong(&'p str),
    /// What the provider did, and the name under which the log has it.
    Provider(ProviderRefusal, &'p str),
}

pub(super) async fn sign_in_page(
    visitor: &Visitor,
    handle: &AuthorizationHandle,
    seen: &RunningAuthorization,
    problem: Problem<'_>,
) -> Result<Response, Trouble> {
    let issuer = visitor.issuer();
    let (status, account, trouble) = match problem {
        Problem::None => (StatusCode::OK, None, None),
        Problem::Wrong(account) => (StatusCode::FORBIDDEN, Some(account), None),
        Problem::Provider(refusal, support_id) => {
            let fault = StatusCode::BAD_GATEWAY;
            let status = if refusal.is_of_the_person() { StatusCode::FORBIDDEN } else { fault };
            (status, None, Some(ProviderTrouble { refusal, support_id }))
        }
    };
    let page = SignInPage {
        site: visitor.site(),
        client_name: &client_name(issuer, seen).await?,
        path: &format!("/authorize/{}", handle.expose()),
        account: account.unwrap_or_default(),
        wrong: account.is_some(),
        accounts: issuer.config.sign_in.accounts,
        provider: issuer.provider.as_ref().map(Provider::name),
        trouble,
        csrf: &visitor.csrf(),
    };
    Ok(with_policy(visitor.page(status, &page)?, seen))
}

/// With nothing to allow, the client is told so at once.
async fn consent_page(
    visitor: &Visitor,
    (handle, person): (&AuthorizationHandle, &Person),
    seen: &RunningAuthorization,
) -> Result<Response, Trouble> {
    let issuer = visitor.issuer();
    let entitled = entitled(issuer, seen).await.map_err(crate::failure::Broken::from)?;
    if entitled.is_empty() {
        return to_client(&allow(issuer, seen).await?);
    }
    let mut cards: Vec<ShownCredential<'_>> = Vec::new();
    for (at, one) in entitled.iter().enumerate() {
        if !entitled.iter().take(at).any(|earlier| says_the_same(earlier, one)) {
            cards.push(shown(visitor, one));
        }
    }
    let page = ConsentPage {
        site: visitor.site(),
        client_name: &client_name(issuer, seen).await?,
        account: person.name(),
        path: &format!("/authorize/{}", handle.expose()),
        cards: &cards,
        csrf: &visitor.csrf(),
    };
    Ok(with_policy(visitor.page(StatusCode::OK, &page)?, seen))
}

/// The same type in another format: people are shown it once.
fn says_the_same(one: &Entitled<'_>, other: &Entitled<'_>) -> bool {
    one.credential_type.origin.ids() == other.credential_type.origin.ids()
        && one.claims == other.claims
}

/// Every claim that will be disclosed, under its label (PRIV-01, AUTHZ-25).
fn shown<'e>(visitor: &Visitor, entitled: &'e Entitled<'_>) -> ShownCredential<'e> {
    let locale = visitor.language.tag();
    let values = entitled.credential_type.claims.values(&entitled.claims, locale).into_iter();
    let values = values.filter(|(claim, ..)| claim.disclosure != Disclosure::Never);
    let claims = values.map(|(claim, label, value)| {
        let value = text(visitor, claim, value);
        ShownClaim { label, value }
    });
    ShownCredential { card: visitor.card(entitled.credential_type), claims: claims.collect() }
}

fn text(visitor: &Visitor, claim: &Claim, value: &Value) -> String {
    if claim.value_type == ValueType::Image {
        return visitor.site().picture().to_owned();
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => visitor.site().yes_or_no(*yes).to_owned(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

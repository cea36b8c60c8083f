//! The way to an OpenID Provider and back, in the browser (OIDC §3.1).

use axum::Extension;
use axum::extract::RawQuery;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use oid4vci::provider::BrowserSecret;
use oid4vci::secret::AuthorizationHandle;

use super::sign_in::{Problem, sign_in_page, to_pages};
use super::trouble::Trouble;
use super::visitor::{Segment, Visitor};
use crate::config::IssuerUrl;
use crate::flow::authorization::{Returned, from_provider, running, to_provider};
use crate::http::around::RequestId;

/// How long the cookie is kept: as long as somebody may take to sign in, and a little more.
const COOKIE_SECONDS: u32 = 900;

/// `GET /authorize/HANDLE/provider`. A link, not a form: browsers hold where a form leads against
/// the page's policy, also the addresses that the provider itself sends people to.
pub(super) async fn leave(
    Extension(visitor): Extension<Visitor>,
    request_id: Option<Extension<RequestId>>,
    Segment(handle): Segment,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let handle = AuthorizationHandle::new(handle);
    let issuer = visitor.issuer();
    let seen = running(issuer, &handle).await?;
    let known = cookie(&headers, &issuer.config.url);
    let browser = known.unwrap_or_else(|| BrowserSecret::fresh(&*issuer.random));
    match to_provider(issuer, &seen, &browser).await? {
        Ok(address) => to(address.as_str(), &set_cookie(&browser, &issuer.config.url)),
        Err(refusal) => {
            let problem = Problem::Provider(refusal, &id(request_id.as_ref()));
            sign_in_page(&visitor, &handle, &seen, problem).await
        }
    }
}

/// `GET /sign-in/callback`
pub(super) async fn back(
    Extension(visitor): Extension<Visitor>,
    request_id: Option<Extension<RequestId>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let issuer = visitor.issuer();
    let browser = cookie(&headers, &issuer.config.url);
    let query = query.unwrap_or_default();
    match from_provider(issuer, &query, browser.as_ref()).await? {
        Returned::SignedIn(next) => Ok(to_pages(&visitor, &next)),
        Returned::Refused(next, seen, refusal) => {
            let problem = Problem::Provider(refusal, &id(request_id.as_ref()));
            sign_in_page(&visitor, &next, &seen, problem).await
        }
    }
}

fn id(request_id: Option<&Extension<RequestId>>) -> String {
    request_id.map(|Extension(id)| id.0.clone()).unwrap_or_default()
}

fn to(address: &str, cookie: &str) -> Result<Response, Trouble> {
    let header =
        |text: &str| HeaderValue::try_from(text).map_err(|error| Trouble::fault(error.to_string()));
    let headers = [(LOCATION, header(address)?), (SET_COOKIE, header(cookie)?)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// With the prefix a browser takes the cookie from this very host only.
fn name(url: &IssuerUrl) -> &'static str {
    let alone = !url.is_plain_http() && url.path().is_empty();
    if alone { "__Host-bestow-sign-in" } else { "bestow-sign-in" }
}

/// `Lax`: the provider's page, another site, is what leads back to us.
fn set_cookie(browser: &BrowserSecret, url: &IssuerUrl) -> String {
    let path = if url.path().is_empty() { "/" } else { url.path() };
    // Plain http is for this machine only, where not every browser keeps a `Secure` cookie.
    let secure = if url.is_plain_http() { "" } else { "; Secure" };
    let (name, value) = (name(url), browser.expose());
    format!("{name}={value}; Path={path}; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

fn cookie(headers: &HeaderMap, url: &IssuerUrl) -> Option<BrowserSecret> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|one| one.split_once('='));
    pairs.find_map(|(given, value)| {
        (given.trim() == name(url)).then(|| BrowserSecret::parse(value.trim()))?
    })
}

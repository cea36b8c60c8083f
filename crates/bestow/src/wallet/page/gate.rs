//! Who may use the page: the browser that got the link, and no other page or machine through it.
//!
//! A server on loopback can be reached by every web page that the person visits (catalogue N12):
//!
//! | Attack | What stops it |
//! |---|---|
//! | DNS rebinding: a stranger's name that leads to 127.0.0.1 | `Host` must be this address and port |
//! | a form or script of another page | `Origin` must be this page; the cookie is `SameSite=Strict` |
//! | another user of this machine | the token: 32 random bytes that the terminal alone shows |
//! | a token that leaked later, through history or a screenshot | it is exchanged once |

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, HOST, HeaderName, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::{equal, sha256};
use keys::outside::Random;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Served;
use super::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The page's door.
pub(super) struct Gate {
    /// This address by its number and by its name.
    hosts: [String; 2],
    /// Browsers keep cookies by host alone: with the port in its name, two wallets do not meet.
    cookie: String,
    /// SHA-256 of the token, until it is exchanged.
    token: Mutex<Option<[u8; 32]>>,
    /// SHA-256 of the cookie's value, once there is one.
    session: OnceLock<[u8; 32]>,
}

/// Why the door stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `Host` is another, or none.
    Host,
    /// The request comes from another page.
    Origin,
    /// The token was exchanged already, or never was one.
    Token,
    /// There is no cookie of this page.
    Session,
}

impl Gate {
    /// A door and the token that opens it once.
    pub(super) fn new(address: SocketAddr, random: &dyn Random) -> (Self, Zeroizing<String>) {
        let token = draw(random);
        let gate = Self {
            hosts: [address.to_string(), format!("localhost:{}", address.port())],
            cookie: format!("bestow-{}", address.port()),
            token: Mutex::new(Some(sha256(token.as_bytes()))),
            session: OnceLock::new(),
        };
        (gate, token)
    }

    /// The host that was asked for, if it is this one.
    fn host<'h>(&self, headers: &'h HeaderMap) -> Result<&'h str, Refusal> {
        let host = only(headers, &HOST).ok_or(Refusal::Host)?;
        self.hosts.iter().any(|own| own == host).then_some(host).ok_or(Refusal::Host)
    }

    /// What changes something must say where it comes from; what only reads is refused when the
    /// browser says that it comes from elsewhere.
    fn origin(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let own = format!("http://{}", self.host(headers)?);
        let is_own = match only(headers, &ORIGIN) {
            Some(origin) => origin == own,
            None => method.is_safe() && !headers.contains_key(ORIGIN),
        };
        // Another port of this machine is the same site, and would get the cookie.
        let site = headers.get(SEC_FETCH_SITE);
        let same = is_own && site.is_none_or(|site| site == "same-origin");
        same.then_some(()).ok_or(Refusal::Origin)
    }

    fn session(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let session = self.session.get().ok_or(Refusal::Session)?;
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let known = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie)
            .any(|(_, value)| equal(&sha256(value.as_bytes()), session));
        known.then_some(()).ok_or(Refusal::Session)
    }

    /// The token becomes a cookie, once.
    fn exchange(&self, token: &str, random: &dyn Random) -> Result<String, Refusal> {
        let mut waiting = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = waiting.as_ref().ok_or(Refusal::Token)?;
        if !equal(&sha256(token.as_bytes()), expected) {
            return Err(Refusal::Token);
        }
        *waiting = None;
        let value = draw(random);
        self.session.set(sha256(value.as_bytes())).map_err(|_| Refusal::Token)?;
        let name = &self.cookie;
        Ok(format!("{name}={}; HttpOnly; SameSite=Strict; Path=/api", *value))
    }
}

/// 32 bytes nobody can guess.
pub(super) fn draw(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(&mut *bytes);
    Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes))
}

/// A header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

/// Lets through what was sent to this address.
pub(super) async fn own_host(
    State(served): State<Arc<Served>>,
    request: Request,
    next: Next,
) -> Response {
    match served.gate.host(request.headers()) {
        Ok(_) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Lets through what this page sent.
pub(super) async fn same_origin(
    State(served): State<Arc<Served>>,
    request: Request,
    next: Next,
) -> Response {
    match served.gate.origin(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Lets through who has the cookie.
pub(super) async fn with_session(
    State(served): State<Arc<Served>>,
    request: Request,
    next: Next,
) -> Response {
    match served.gate.session(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// What the link's fragment held; worth nothing once it was exchanged.
#[derive(Deserialize)]
pub(super) struct Exchange {
    token: String,
}

/// `POST /api/session`
pub(super) async fn exchange(
    State(served): State<Arc<Served>>,
    body: Result<Json<Exchange>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(Exchange { token }) = body?;
    Ok(match served.gate.exchange(&token, &*served.wallet.random) {
        Ok(cookie) => (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response(),
        Err(refusal) => refusal.into_response(),
    })
}

impl Refusal {
    const fn answer(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Host => (
                "wrong_host",
                "this address is not the wallet's",
                "open the link as the terminal shows it",
            ),
            Self::Origin => (
                "wrong_origin",
                "the request does not come from the wallet's own page",
                "open the link as the terminal shows it",
            ),
            Self::Token => (
                "dead_token",
                "the link has been used already",
                "start the wallet again to get a new link",
            ),
            Self::Session => (
                "no_session",
                "this browser has not been let in",
                "open the link as the terminal shows it; it opens once",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message, hint) = self.answer();
        Problem::new(StatusCode::FORBIDDEN, code, message).hint(hint).into_response()
    }
}

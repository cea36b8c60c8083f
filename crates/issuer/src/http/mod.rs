//! The route table of the public listener, and handlers that only parse and answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection, PathRejection};
use axum::extract::{Form, Path, RawQuery, State};
use axum::handler::Handler as _;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, middleware};
use oid4vci::credential::CredentialRefusal;
use oid4vci::encryption::{Body, ReceivedBody};
use oid4vci::error::ErrorCode;
use oid4vci::metadata::{AUTHORIZATION_SERVER, CREDENTIAL_ISSUER, JWT_VC_ISSUER};
use oid4vci::nonce::NonceResponse;
use oid4vci::secret::{AccessToken, OfferReference};
use oid4vci::token::{TokenRefusal, TokenRequest, TokenResponse};
use serde::Serialize;

use crate::failure::{Failure, error};
use crate::flow::deferred::Answer;
use crate::flow::offer::FetchRefusal;
use crate::{Issuer, flow};

mod address_limit;
pub mod admin;
mod around;
mod deferrals;
mod deferred;
mod limits;
mod offer_view;
pub mod portal;
mod problem;
mod status_list;

const NO_STORE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");
/// An answer that must not be kept by anything between us and the Wallet.
type Kept<T> = ([(HeaderName, &'static str); 1], Json<T>);

/// Everything that wallets and holders reach.
pub fn public(issuer: Arc<Issuer>) -> Router {
    let protocol = Router::new()
        .route("/offers/{reference}", get(credential_offer))
        .route("/token", post(token))
        .route("/nonce", post(nonce))
        .route("/credential", post(credential))
        .route(&format!("/{}", flow::deferred::ENDPOINT), post(deferred::deferred_credential))
        .route(&format!("/{}", flow::notification::ENDPOINT), post(deferred::notification))
        .route("/status-lists/{number}", get(status_list::status_list))
        .route("/jwks", published(&json(&flow::metadata::jwks(&issuer))));
    let path = issuer.config.url.path();
    let protocol = if path.is_empty() { protocol } else { Router::new().nest(path, protocol) };
    // CORS is for wallets that are web pages; nothing of the protocol reads a cookie (P20).
    let protocol = protocol.merge(well_known(&issuer));
    // Set before the layer, which would not stand around it otherwise: it is what a preflight meets.
    let protocol = protocol.method_not_allowed_fallback(method_not_allowed);
    let protocol = protocol.layer(middleware::from_fn(around::cross_origin));
    let routed = protocol.merge(portal::routes(&issuer));
    // A wallet that is a web page reads, too, that nothing is where it looked for metadata.
    let nothing = not_found.layer(middleware::from_fn(around::cross_origin));
    let routed = routed.fallback(nothing).method_not_allowed_fallback(method_not_allowed);
    around::wrap(routed, &issuer, refuse).with_state(issuer)
}

/// What has nothing to do with the request itself; any wallet may read it.
fn refuse(status: StatusCode, code: ErrorCode, text: &'static str) -> Response {
    ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], error(status, code, text)).into_response()
}

/// VCI §12.2.2, RFC 8414 §3.1, each at the place of 1.0 and at the one of the drafts before it.
fn well_known(issuer: &Issuer) -> Router<Arc<Issuer>> {
    let documents = [
        (CREDENTIAL_ISSUER, json(&flow::metadata::credential_issuer(issuer))),
        (AUTHORIZATION_SERVER, json(&flow::metadata::authorization_server(issuer))),
        (JWT_VC_ISSUER, json(&flow::metadata::jwt_vc_issuer(issuer))),
    ];
    let path = issuer.config.url.path();
    let mut router = Router::new();
    for (name, document) in documents {
        router = router.route(&format!("/.well-known/{name}{path}"), published(&document));
        if !path.is_empty() {
            router = router.route(&format!("{path}/.well-known/{name}"), published(&document));
        }
    }
    router
}

fn json(document: &impl Serialize) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

/// A document that is the same for everybody until the next start: rendered once.
fn published(document: &Bytes) -> MethodRouter<Arc<Issuer>> {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")];
    let document = document.clone();
    get(async move || (headers, document))
}

/// VCI §4.1.3: `application/json`, never cached (OFFER-27, OFFER-28).
async fn credential_offer(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    reference: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, Failure<FetchRefusal>> {
    let Path(reference) = reference.map_err(|_| FetchRefusal::Unknown)?; // it is no text
    let reference = OfferReference::new(reference);
    let is_look = method == Method::HEAD;
    let offer = flow::offer::credential_offer(&issuer, &reference, is_look).await?;
    Ok(([NO_STORE], Json(offer)))
}

/// VCI §6.2, TOKEN-16: the answer must not be cached.
async fn token(
    State(issuer): State<Arc<Issuer>>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Kept<TokenResponse>, Failure<TokenRefusal>> {
    let Form(form) = form.map_err(|_| TokenRefusal::Unreadable)?;
    let request = TokenRequest::parse(&form)?;
    Ok(([NO_STORE], Json(flow::token::token(&request, &issuer).await?)))
}

/// VCI §7.1: POST, whatever the body; no token is needed (NONCE-02, NONCE-03).
async fn nonce(State(issuer): State<Arc<Issuer>>) -> impl IntoResponse {
    let answer: NonceResponse = flow::nonce::nonce(&issuer);
    ([NO_STORE], Json(answer)) // NONCE-06
}

/// VCI §8: the token first, then the request.
async fn credential(
    State(issuer): State<Arc<Issuer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure<CredentialRefusal>> {
    let token = bearer(query.as_deref(), &headers)?;
    let bytes = body.map_err(|_| CredentialRefusal::TooLong)?;
    let body = received(&headers, &bytes)?;
    Ok(match flow::credential::credential(&token, body, &issuer).await? {
        Answer::Ready(body) => answer(StatusCode::OK, body),
        Answer::Wait(body) => answer(StatusCode::ACCEPTED, body), // CRED-31
    })
}

/// CRED-18, CRED-19: a request is JSON or a JWT, and says so.
fn received<'b>(
    headers: &HeaderMap,
    bytes: &'b [u8],
) -> Result<ReceivedBody<'b>, CredentialRefusal> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let body = ReceivedBody::new(media_type.unwrap_or_default(), bytes);
    body.ok_or(CredentialRefusal::WrongMediaType)
}

/// CRED-32, CRED-33: in the clear or encrypted, as it was asked for.
fn answer(status: StatusCode, body: Body) -> Response {
    (status, [NO_STORE, (CONTENT_TYPE, body.media_type)], body.bytes).into_response()
}

/// RFC 6750 §2.1: in the header and nowhere else; the scheme in any case (CRED-02, DEP-08).
fn bearer(query: Option<&str>, headers: &HeaderMap) -> Result<AccessToken, CredentialRefusal> {
    let query = query.unwrap_or_default().as_bytes();
    if url::form_urlencoded::parse(query).any(|(name, _)| name == "access_token") {
        return Err(CredentialRefusal::TokenInQuery);
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(CredentialRefusal::NoToken),
        (Some(value), None) => value.to_str().map_err(|_| CredentialRefusal::BadToken)?,
        (Some(_), Some(_)) => return Err(CredentialRefusal::BadToken),
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(AccessToken::new(token.trim()))
        }
        _ => Err(CredentialRefusal::BadToken),
    }
}

async fn method_not_allowed() -> Response {
    let text = "this address does not take this method";
    error(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::InvalidRequest, text)
}

/// A wrong place is 404 with a JSON body: wallets parse it.
pub(crate) async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, ErrorCode::NotFound, "there is nothing at this address")
}

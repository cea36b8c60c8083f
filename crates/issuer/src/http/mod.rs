//! The route table of the public listener, and handlers that only parse and answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection, PathRejection};
use axum::extract::{Form, Path, RawQuery, State};
use axum::handler::Handler as _;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, middleware};
use oid4vci::credential::CredentialRefusal;
use oid4vci::encryption::{Body, ReceivedBody};
use oid4vci::error::ErrorCode;
use oid4vci::nonce::NonceResponse;
use oid4vci::secret::OfferReference;
use oid4vci::token::{TokenRefusal, TokenRequest, TokenResponse};

use failed_sign_ins::SignInTries;
use type_metadata::Descriptions;
use well_known::of_keys;

use crate::failure::{Failure, error};
use crate::flow::deferred::Answer;
use crate::flow::offer::FetchRefusal;
use crate::{Issuer, flow};

mod accept;
mod accounts;
mod address_limit;
pub mod admin;
mod around;
mod authorization;
mod clients;
mod deferrals;
mod deferred;
mod failed_sign_ins;
mod legacy;
mod limits;
pub(crate) mod load;
mod offer_events;
mod offer_view;
pub mod portal;
mod problem;
mod sender;
mod status_list;
mod type_metadata;
mod well_known;

const NO_STORE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// Everything that wallets and holders reach (GEN-01).
pub fn public(issuer: Arc<Issuer>) -> Router {
    let pushes = authorization::pushes(&issuer);
    let tries = issuer.config.authorization.failed_sign_ins_per_hour;
    let tries = Arc::new(SignInTries::at_most(tries));
    let protocol = Router::new()
        .route("/offers/{reference}", get(credential_offer))
        .route("/token", post(token))
        .route("/nonce", post(nonce))
        .route("/challenge", post(challenge))
        .route("/credential", post(credential))
        .route(&format!("/{}", flow::deferred::ENDPOINT), post(deferred::deferred_credential))
        .route(&format!("/{}", flow::notification::ENDPOINT), post(deferred::notification))
        .route("/status-lists/{number}", get(status_list::status_list))
        .route("/status-lists/{number}/{form}/{purpose}", get(status_list::list_credential))
        .route("/jwks", of_keys(|_, keys| flow::metadata::jwks(keys)))
        .merge(authorization::routes(&issuer, (&pushes, &tries)))
        .merge(legacy::routes(&issuer, &pushes));
    let path = issuer.config.url.path();
    let protocol = if path.is_empty() { protocol } else { Router::new().nest(path, protocol) };
    // CORS is for wallets that are web pages; nothing of the protocol reads a cookie (P20).
    let protocol =
        protocol.merge(well_known::routes(&issuer)).merge(well_known::of_drafts(&issuer));
    // Set before the layer, which would not stand around it otherwise: it is what a preflight meets.
    let protocol = protocol.method_not_allowed_fallback(method_not_allowed);
    let protocol = protocol.layer(middleware::from_fn(around::cross_origin));
    let routed = protocol.merge(portal::routes(&issuer, &tries));
    // A wallet that is a web page reads, too, that nothing is where it looked for metadata.
    let descriptions = Arc::new(Descriptions::of(&issuer));
    let nothing = async move |method: Method, uri: Uri, headers: HeaderMap| {
        descriptions.answer(&method, &uri, &headers).await
    };
    let nothing = nothing.layer(middleware::from_fn(around::cross_origin));
    let routed = routed.fallback(nothing).method_not_allowed_fallback(method_not_allowed);
    around::wrap(routed, &issuer, refuse).with_state(issuer)
}

/// What has nothing to do with the request itself; any wallet may read it.
fn refuse(status: StatusCode, code: ErrorCode, text: &'static str) -> Response {
    ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], error(status, code, text)).into_response()
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
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let answer = token_answer(&issuer, &headers, form).await.map(|response| {
        let shared = issuer.config.legacy.shared.then(|| legacy::shared_token(&response, &issuer));
        let body = shared
            .map_or_else(|| Json(response).into_response(), |body| Json(body).into_response());
        ([NO_STORE], body)
    });
    sender::answer(answer, &headers, &issuer)
}

async fn token_answer(
    issuer: &Issuer,
    headers: &HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<TokenResponse, Failure<TokenRefusal>> {
    let Form(form) = form.map_err(|_| TokenRefusal::Unreadable)?;
    let request = TokenRequest::parse(&form)?;
    let headers = sender::headers(headers);
    let client_id = request.client_id();
    let endpoint = ("token", None);
    let sender = flow::sender::sender(&headers, client_id.as_deref(), endpoint, issuer).await?;
    flow::token::token(&request, &sender, (None, None), issuer).await
}

/// VCI §7.1: POST, whatever the body; no token is needed (NONCE-02, NONCE-03).
async fn nonce(State(issuer): State<Arc<Issuer>>) -> impl IntoResponse {
    let answer: NonceResponse = flow::nonce::nonce(None, &issuer);
    (sender::nonce_header(&issuer), [NO_STORE], Json(answer)) // NONCE-06, NONCE-07
}

/// WALATT-10: POST, never cached.
async fn challenge(State(issuer): State<Arc<Issuer>>) -> Response {
    match flow::sender::challenge(&issuer) {
        Some(challenge) => ([NO_STORE], Json(challenge)).into_response(),
        None => not_found().await,
    }
}

/// VCI §8: the token first, then the request.
async fn credential(
    State(issuer): State<Arc<Issuer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if let Some(answer) = legacy::shared(&issuer, (query.as_deref(), &headers), &body).await {
        return answer;
    }
    let answer = credential_answer(&issuer, query.as_deref(), &headers, body).await;
    sender::answer(answer, &headers, &issuer)
}

async fn credential_answer(
    issuer: &Issuer,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure<CredentialRefusal>> {
    let token = sender::token(query, headers, ("credential", issuer))?;
    let bytes = body.map_err(|_| CredentialRefusal::TooLong)?;
    let body = received(headers, &bytes)?;
    Ok(match flow::credential::credential(token.presented(), body, (None, None), issuer).await? {
        Answer::Ready(reply) => answer(StatusCode::OK, reply.cover()?), // CRED-30
        Answer::Wait(reply) => answer(StatusCode::ACCEPTED, reply.cover()?), // CRED-31
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

async fn method_not_allowed() -> Response {
    let text = "this address does not take this method";
    error(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::InvalidRequest, text)
}

/// A wrong place is 404 with a JSON body: wallets parse it.
pub(crate) async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, ErrorCode::NotFound, "there is nothing at this address")
}

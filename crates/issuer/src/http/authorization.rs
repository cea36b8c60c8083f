//! What the Authorization Code Flow adds for wallets: pushed requests, and what becomes of tokens.
//! The pages for people are in [`super::portal`].

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use oid4vci::authorization::{PushRefusal, PushResponse};
use oid4vci::error::ErrorCode;
use oid4vci::introspection::{IntrospectionResponse, TokenQuery, TokenQueryRefusal};

use super::address_limit::AddressLimit;
use super::around::ClientAddress;
use super::{NO_STORE, sender};
use crate::failure::{Failure, error};
use crate::{Issuer, flow};

type Body = Result<Form<Vec<(String, String)>>, FormRejection>;

/// Nothing where no client is registered, and none can be.
pub(super) fn routes(issuer: &Issuer, pushes: &Arc<AddressLimit>) -> Router<Arc<Issuer>> {
    if !issuer.has_code_flow() {
        return Router::new();
    }
    Router::new()
        .route("/par", limited(post(push), pushes))
        .route("/introspect", post(introspect))
        .route("/revoke", post(revoke))
}

/// How often one address may push, whatever it speaks.
pub(super) fn pushes(issuer: &Issuer) -> Arc<AddressLimit> {
    Arc::new(AddressLimit::per_minute(issuer.config.authorization.pushes_per_minute))
}

/// The same endpoint, for who has not pushed too often.
pub(super) fn limited(
    endpoint: MethodRouter<Arc<Issuer>>,
    pushes: &Arc<AddressLimit>,
) -> MethodRouter<Arc<Issuer>> {
    endpoint.route_layer(middleware::from_fn_with_state(Arc::clone(pushes), limit_pushes))
}

/// Anybody can push in the name of a public client, and each request is kept for a while.
async fn limit_pushes(
    State(pushes): State<Arc<AddressLimit>>,
    request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<ClientAddress>();
    let Some(Err(wait)) = address.map(|address| pushes.check(address.0)) else {
        return next.run(request).await;
    };
    let (status, code) = (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TemporarilyUnavailable);
    let mut response = error(status, code, "too many requests from this address; wait a little");
    response.headers_mut().insert(RETRY_AFTER, wait.0.into());
    response
}

/// AUTHZ-21, RFC 9126 §2.2
async fn push(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, form: Body) -> Response {
    let answer = pushed(&issuer, &headers, form).await;
    push_answer(answer, (&headers, &issuer))
}

async fn pushed(
    issuer: &Issuer,
    headers: &HeaderMap,
    form: Body,
) -> Result<PushResponse, Failure<PushRefusal>> {
    let Form(form) = form.map_err(|_| PushRefusal::Unreadable)?;
    let sent = ("par", &sender::headers(headers));
    flow::authorization::push(issuer, None, &form, sent).await
}

/// RFC 9126 §2.2: never kept.
pub(super) fn push_answer(
    answer: Result<PushResponse, Failure<PushRefusal>>,
    (headers, issuer): (&HeaderMap, &Issuer),
) -> Response {
    let never_kept = [(CACHE_CONTROL, "no-cache, no-store")];
    let answer = answer.map(|pushed| (StatusCode::CREATED, never_kept, Json(pushed)));
    sender::answer(answer, headers, issuer)
}

/// RFC 7662 §2.2
async fn introspect(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, form: Body) -> Response {
    let mut answer = introspected(&issuer, form).await.into_response();
    sender::with_client_challenge(&mut answer, &headers);
    answer
}

async fn introspected(
    issuer: &Issuer,
    form: Body,
) -> Result<
    ([(HeaderName, &'static str); 1], Json<IntrospectionResponse>),
    Failure<TokenQueryRefusal>,
> {
    let Form(form) = form.map_err(|_| TokenQueryRefusal::Unreadable)?;
    let query = TokenQuery::parse(&form)?;
    Ok(([NO_STORE], Json(flow::introspection::introspection(&query, issuer).await?)))
}

/// RFC 7009 §2.2
async fn revoke(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, form: Body) -> Response {
    let mut answer = revoked(&issuer, form).await.into_response();
    sender::with_client_challenge(&mut answer, &headers);
    answer
}

async fn revoked(
    issuer: &Issuer,
    form: Body,
) -> Result<([(HeaderName, &'static str); 1], StatusCode), Failure<TokenQueryRefusal>> {
    let Form(form) = form.map_err(|_| TokenQueryRefusal::Unreadable)?;
    flow::introspection::revocation(&TokenQuery::parse(&form)?, issuer).await?;
    Ok(([NO_STORE], StatusCode::OK))
}

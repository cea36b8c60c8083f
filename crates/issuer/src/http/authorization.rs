//! What the Authorization Code Flow adds for wallets: pushed requests, and what becomes of tokens.
//! The pages for people are in [`super::portal`].

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
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
pub(super) fn routes(issuer: &Issuer) -> Router<Arc<Issuer>> {
    if !issuer.has_code_flow() {
        return Router::new();
    }
    let pushes = AddressLimit::per_minute(issuer.config.authorization.pushes_per_minute);
    let limited = middleware::from_fn_with_state(Arc::new(pushes), limit_pushes);
    Router::new()
        .route("/par", post(push))
        .route_layer(limited)
        .route("/introspect", post(introspect))
        .route("/revoke", post(revoke))
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
    let never_kept = [(CACHE_CONTROL, "no-cache, no-store")];
    let answer = answer.map(|pushed| (StatusCode::CREATED, never_kept, Json(pushed)));
    sender::answer(answer, &headers, &issuer)
}

async fn pushed(
    issuer: &Issuer,
    headers: &HeaderMap,
    form: Body,
) -> Result<PushResponse, Failure<PushRefusal>> {
    let Form(form) = form.map_err(|_| PushRefusal::Unreadable)?;
    flow::authorization::push(issuer, &form, &sender::headers(headers)).await
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

//! What the Authorization Code Flow adds for wallets: pushed requests, and what becomes of tokens.
//! The pages for people are in [`super::portal`].

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use oid4vci::authorization::{PushRefusal, PushResponse};
use oid4vci::introspection::{IntrospectionResponse, TokenQuery, TokenQueryRefusal};

use super::{NO_STORE, sender};
use crate::failure::Failure;
use crate::{Issuer, flow};

type Body = Result<Form<Vec<(String, String)>>, FormRejection>;

/// Nothing where no client is registered.
pub(super) fn routes(issuer: &Issuer) -> Router<Arc<Issuer>> {
    if issuer.clients.is_empty() {
        return Router::new();
    }
    Router::new()
        .route("/par", post(push))
        .route("/introspect", post(introspect))
        .route("/revoke", post(revoke))
}

/// AUTHZ-21, RFC 9126 §2.2
async fn push(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, form: Body) -> Response {
    let answer = pushed(&issuer, &headers, form).await;
    let is_good = answer.is_ok();
    let mut response = sender::answer(answer, &headers, &issuer);
    if is_good {
        *response.status_mut() = StatusCode::CREATED;
        let value = HeaderValue::from_static("no-cache, no-store");
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    response
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
async fn introspect(
    State(issuer): State<Arc<Issuer>>,
    form: Body,
) -> Result<
    ([(HeaderName, &'static str); 1], Json<IntrospectionResponse>),
    Failure<TokenQueryRefusal>,
> {
    let Form(form) = form.map_err(|_| TokenQueryRefusal::Unreadable)?;
    let query = TokenQuery::parse(&form)?;
    Ok(([NO_STORE], Json(flow::introspection::introspection(&query, &issuer).await?)))
}

/// RFC 7009 §2.2
async fn revoke(
    State(issuer): State<Arc<Issuer>>,
    form: Body,
) -> Result<impl IntoResponse, Failure<TokenQueryRefusal>> {
    let Form(form) = form.map_err(|_| TokenQueryRefusal::Unreadable)?;
    flow::introspection::revocation(&TokenQuery::parse(&form)?, &issuer).await?;
    Ok(([NO_STORE], StatusCode::OK))
}

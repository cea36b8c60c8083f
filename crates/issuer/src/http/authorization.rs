//! What the Authorization Code Flow adds for wallets: pushed requests, and what becomes of tokens.
//! The pages for people are in [`super::portal`].

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use oid4vci::authorization::PushRefusal;
use oid4vci::introspection::{IntrospectionResponse, TokenQuery, TokenQueryRefusal};

use super::NO_STORE;
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
async fn push(
    State(issuer): State<Arc<Issuer>>,
    form: Body,
) -> Result<impl IntoResponse, Failure<PushRefusal>> {
    let Form(form) = form.map_err(|_| PushRefusal::Unreadable)?;
    let response = flow::authorization::push(&issuer, &form).await?;
    let headers = [(CACHE_CONTROL, "no-cache, no-store")];
    Ok((StatusCode::CREATED, headers, Json(response)))
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

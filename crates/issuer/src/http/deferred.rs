//! The Deferred Credential Endpoint and the Notification Endpoint: what follows a response.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use oid4vci::credential::CredentialRefusal;
use oid4vci::deferred::DeferredRefusal;
use oid4vci::notification::{NotificationRefusal, NotificationRequest};

use super::{NO_STORE, answer, received, sender};
use crate::Issuer;
use crate::failure::Failure;
use crate::flow;
use crate::flow::deferred::Answer;

/// VCI §9: the token first, then the request.
pub(super) async fn deferred_credential(
    State(issuer): State<Arc<Issuer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let credential = deferred_answer(&issuer, query.as_deref(), &headers, body).await;
    sender::answer(credential, &headers, &issuer)
}

async fn deferred_answer(
    issuer: &Issuer,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure<DeferredRefusal>> {
    let place = (flow::deferred::ENDPOINT, issuer);
    let token = sender::token(query, headers, place).map_err(DeferredRefusal::from)?;
    let bytes = body.map_err(|_| DeferredRefusal::from(CredentialRefusal::TooLong))?;
    let body = received(headers, &bytes).map_err(DeferredRefusal::from)?;
    Ok(match flow::deferred::deferred_credential(token.presented(), body, None, issuer).await? {
        Answer::Ready(reply) => answer(StatusCode::OK, reply.cover()?),
        Answer::Wait(reply) => answer(StatusCode::ACCEPTED, reply.cover()?),
    })
}

/// VCI §11: there is nothing to say but that it was heard (NOTIF-13).
pub(super) async fn notification(
    State(issuer): State<Arc<Issuer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let heard = heard(&issuer, query.as_deref(), &headers, body).await;
    let heard = heard.map(|()| (StatusCode::NO_CONTENT, [NO_STORE]));
    sender::answer(heard, &headers, &issuer)
}

async fn heard(
    issuer: &Issuer,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(), Failure<NotificationRefusal>> {
    let place = (flow::notification::ENDPOINT, issuer);
    let token = sender::token(query, headers, place).map_err(NotificationRefusal::from)?;
    let bytes = body.map_err(|_| NotificationRefusal::Unreadable)?;
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let request = NotificationRequest::parse(media_type.unwrap_or_default(), &bytes)?;
    flow::notification::notification(token.presented(), &request, None, issuer).await
}

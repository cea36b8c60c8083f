//! How a step can fail, and the one place where a failure becomes an HTTP answer (TOKEN-22).

use axum::Json;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use oid4vci::error::{Challenge, ErrorBody, ErrorCode, Refusal};

use crate::store::StoreError;

/// Either the Wallet is told why, or it is told nothing.
#[derive(Debug)]
pub enum Failure<R> {
    /// The request broke a rule of the spec.
    Refused(R),
    /// We broke; details go to the log only, under the id of the request.
    Broken(Broken),
}

/// Our own fault, as the log will tell it.
#[derive(Debug)]
pub struct Broken(pub String);

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl<R: Refusal> From<R> for Failure<R> {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal)
    }
}

impl<R> From<StoreError> for Failure<R> {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}

impl<R> From<Broken> for Failure<R> {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl<R: Refusal> IntoResponse for Failure<R> {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refused(&refusal),
            Self::Broken(broken) => broken.into_response(),
        }
    }
}

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        // Inside the span of the request, which has the id that is also in `x-request-id`.
        tracing::error!(error = self.0, "request failed");
        error(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError, "internal error")
    }
}

/// The answer to a request that broke a rule.
pub fn refused(refusal: &dyn Refusal) -> Response {
    let (code, text) = refusal.answer();
    tracing::info!(error = code.name(), reason = text, "refused");
    let status = StatusCode::from_u16(refusal.status());
    let mut response = error(status.unwrap_or(StatusCode::BAD_REQUEST), code, text);
    let challenge = match refusal.challenge() {
        None => None,
        Some(Challenge::Bare) => Some("Bearer".to_owned()),
        Some(Challenge::WithError) => {
            Some(format!(r#"Bearer error="{}", error_description="{text}""#, code.name()))
        }
    };
    if let Some(value) = challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

/// An error body as every endpoint gives it (RFC 6749 §5.2, VCI §8.3.1.2).
#[must_use]
pub fn error(status: StatusCode, error: ErrorCode, error_description: &'static str) -> Response {
    let body = Json(ErrorBody { error, error_description });
    (status, [(CACHE_CONTROL, "no-store")], body).into_response()
}

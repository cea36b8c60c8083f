//! Errors of the admin API: `application/problem+json` (RFC 9457 §3).

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::failure::Broken;
use crate::flow::application::DecideError;
use crate::flow::deferred::DeferralError;
use crate::flow::offer::MakeOfferError;
use crate::flow::status::StatusError;

/// One problem, told to an operator.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    /// Seconds after which the same request may succeed.
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), retry_after: None }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The request cannot be read", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    /// A program of the operator's failed, not we.
    fn not_delivered(detail: String) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "Transaction code not delivered", detail)
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Too late", detail)
    }
}

/// RFC 9457 §3.1
#[derive(Serialize)]
struct Body<'p> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'p str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, title, detail, retry_after } = self;
        let body = Body { r#type: "about:blank", title, status: status.as_u16(), detail: &detail };
        let headers = [(CONTENT_TYPE, "application/problem+json"), (CACHE_CONTROL, "no-store")];
        let mut response = (status, headers, Json(body)).into_response();
        response.headers_mut().extend(retry_after.map(|seconds| (RETRY_AFTER, seconds.into())));
        response
    }
}

impl From<Broken> for Problem {
    fn from(broken: Broken) -> Self {
        broken.log();
        let (status, retry_after) = (broken.status(), broken.retry_after());
        let (title, detail) = match retry_after {
            Some(_) => ("Not now", broken.advice()),
            None => ("Internal error", "The log says more, under the id in x-request-id."),
        };
        Self { retry_after, ..Self::new(status, title, detail) }
    }
}

impl From<MakeOfferError> for Problem {
    fn from(error: MakeOfferError) -> Self {
        let detail = error.to_string();
        let unprocessable =
            |title| Self::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail.clone());
        match error {
            MakeOfferError::Broken(broken) => broken.into(),
            MakeOfferError::Replaced => Self::conflict(detail),
            MakeOfferError::NotDelivered(_) => Self::not_delivered(detail),
            MakeOfferError::KeyUsedBefore => unprocessable("Idempotency-Key used before"),
            MakeOfferError::Claims(_) => unprocessable("The claims do not fit"),
            MakeOfferError::UnknownConfiguration(_) => unprocessable("Unknown credential type"),
            MakeOfferError::NoConfiguration
            | MakeOfferError::RepeatedConfiguration(_)
            | MakeOfferError::TooShort
            | MakeOfferError::TooLong(..)
            | MakeOfferError::NoClients
            | MakeOfferError::UselessTxCode
            | MakeOfferError::AccountWithoutSignIn
            | MakeOfferError::UnknownAccount(_)
            | MakeOfferError::DraftNotEnabled(_)
            | MakeOfferError::NotInDraft(..)
            | MakeOfferError::NothingToWaitWith
            | MakeOfferError::NeedsTxCode => unprocessable("No such offer can be made"),
        }
    }
}

impl From<StatusError> for Problem {
    fn from(error: StatusError) -> Self {
        let detail = error.to_string();
        match error {
            StatusError::Unknown => Self::not_found(detail),
            StatusError::Revoked(_) => Self::conflict(detail),
            StatusError::NothingIssued
            | StatusError::NoSuchCredential(_)
            | StatusError::InNoList(_)
            | StatusError::NeverSuspended(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "This status cannot be set", detail)
            }
            StatusError::Broken(broken) => broken.into(),
        }
    }
}

impl From<DeferralError> for Problem {
    fn from(error: DeferralError) -> Self {
        let detail = error.to_string();
        match error {
            DeferralError::Unknown => Self::not_found(detail),
            DeferralError::Decided | DeferralError::TypeGone => Self::conflict(detail),
            DeferralError::Claims(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "The claims do not fit", detail)
            }
            DeferralError::Broken(broken) => broken.into(),
        }
    }
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        let detail = error.to_string();
        match error {
            DecideError::Unknown => Self::not_found(detail),
            DecideError::Decided | DecideError::TypeGone => Self::conflict(detail),
            DecideError::NotDelivered(_) => Self::not_delivered(detail),
            DecideError::Broken(broken) => broken.into(),
        }
    }
}

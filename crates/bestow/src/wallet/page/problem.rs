//! What went wrong, as the page is told: a code, what is wrong, what to do next.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wallet::error::WalletError;
use wallet::store::StoreError;

use crate::exit::{Failure, Kind};
use crate::wallet::{store_failure, wallet_failure};

/// A failure with the status of its answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    failure: Failure,
    /// Another Transaction Code may help.
    retype: bool,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        // The kind is an exit code, which nobody sees here.
        Self { status, failure: Failure::new(Kind::Usage, code, message), retype: false }
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        Self { failure: self.failure.hint(hint), ..self }
    }

    /// Marks what another Transaction Code may mend.
    pub(super) fn may_retype(self) -> Self {
        Self { retype: true, ..self }
    }

    /// The page asked for what no page of ours asks for.
    pub(super) fn unreadable() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "the request cannot be read")
            .hint("load the page again")
    }
}

/// What is neither a page nor an answer.
pub(super) async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
        .hint("go back to your cards")
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure.kind {
            Kind::OwnFault => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Usage | Kind::Declined => StatusCode::BAD_REQUEST,
            Kind::Refused | Kind::Network | Kind::VerificationFailed | Kind::NotYet => {
                StatusCode::BAD_GATEWAY
            }
        };
        Self { status, failure, retype: false }
    }
}

impl From<WalletError> for Problem {
    fn from(error: WalletError) -> Self {
        wallet_failure(&error).into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        store_failure(error).into()
    }
}

impl From<JsonRejection> for Problem {
    fn from(_: JsonRejection) -> Self {
        Self::unreadable()
    }
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Self {
        Self::unreadable()
    }
}

impl From<BytesRejection> for Problem {
    fn from(_: BytesRejection) -> Self {
        let message = qr::ReadError::TooLarge.to_string();
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Failure { code, message, hint, .. } = self.failure;
        let error =
            json!({ "code": code, "message": message, "hint": hint, "retype": self.retype });
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

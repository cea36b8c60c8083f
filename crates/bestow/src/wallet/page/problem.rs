//! What went wrong, as the page is told: a code, what is wrong, what to do next.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
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
    /// What few have.
    beside: Box<Beside>,
}

#[derive(Debug, Default)]
struct Beside {
    /// To ask the same again after so many seconds may help.
    ask_again_after: Option<u64>,
    /// What is spoken with the issuer, and was excused: members of the answer.
    spoken: Map<String, Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        // The kind is an exit code, which nobody sees here.
        Self::of(status, Failure::new(Kind::Usage, code, message))
    }

    fn of(status: StatusCode, failure: Failure) -> Self {
        Self { status, failure, retype: false, beside: Box::default() }
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        Self { failure: self.failure.hint(hint), ..self }
    }

    /// Marks what another Transaction Code may mend.
    pub(super) fn may_retype(self) -> Self {
        Self { retype: true, ..self }
    }

    /// Marks what is only not ready.
    pub(super) fn ask_again_after(mut self, seconds: u64) -> Self {
        self.beside.ask_again_after = Some(seconds);
        self
    }

    /// With what was spoken until then.
    pub(super) fn spoken(mut self, spoken: Map<String, Value>) -> Self {
        self.beside.spoken = spoken;
        self
    }

    /// The page asked for what no page of ours asks for.
    pub(super) fn unreadable() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "the request cannot be read")
            .hint("load the page again")
    }
}

/// What stands in a path to name something.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id)).map_err(|_| Problem::unreadable())
    }
}

/// What stands in a path to name one of those that something holds.
pub(super) struct Place {
    pub(super) id: String,
    pub(super) number: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let place = Path::<(String, usize)>::from_request_parts(parts, state).await;
        place.map(|Path((id, number))| Self { id, number }).map_err(|_| Problem::unreadable())
    }
}

/// A way of asking that the address does not have.
pub(super) async fn wrong_method() -> Problem {
    let message = "this cannot be done at this address";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
        .hint("go back to your cards")
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
        Self::of(status, failure)
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

/// What helps in the page, where the failure speaks of commands.
fn hint(code: &str, hint: Option<String>) -> Option<String> {
    let own = match code {
        "unknown_credential" => "go back to your cards",
        "store_damaged" => "restore its file from a backup, or delete it among your cards",
        "no_qr_code" => "or paste the link of the offer",
        _ => return hint,
    };
    Some(own.to_owned())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Failure { code, message, hint: given, .. } = self.failure;
        let hint = hint(&code, given);
        let Beside { ask_again_after, spoken: mut answer } = *self.beside;
        let error = json!({
            "code": code, "message": message, "hint": hint, "retype": self.retype,
            "ask_again_after": ask_again_after,
        });
        answer.insert("error".to_owned(), error);
        (self.status, Json(answer)).into_response()
    }
}

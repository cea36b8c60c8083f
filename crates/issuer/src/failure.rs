//! How a step can fail, and the one place where a failure becomes an HTTP answer (TOKEN-22).

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use oid4vci::error::{ErrorBody, ErrorCode, Refusal, Schemes, www_authenticate};

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
#[derive(Clone, Debug)]
pub struct Broken {
    /// For the log alone.
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It does not heal by itself.
    Stays,
    /// Nothing was written, and soon the same request may succeed.
    Passes,
    /// The same, and somebody from outside wants more than there is for them.
    Crowded,
    /// The same, but whether it was written is not known yet.
    InDoubt,
}

/// When to ask again after a fault that passes, in seconds.
pub const RETRY_AFTER_SECONDS: u64 = 2;

impl Broken {
    /// Something that does not heal by itself.
    #[must_use]
    pub const fn fault(text: String) -> Self {
        Self { text, kind: Kind::Stays }
    }

    /// What is wrong, for whoever runs the issuer and nobody else.
    #[must_use]
    pub fn told(&self) -> &str {
        &self.text
    }

    /// Something outside of us that may be there again soon; nothing was written.
    #[must_use]
    pub const fn passing(text: String) -> Self {
        Self { text, kind: Kind::Passes }
    }

    /// Too much of what strangers may have us do is asked for at once; nothing was written.
    #[must_use]
    pub const fn crowded(text: String) -> Self {
        Self { text, kind: Kind::Crowded }
    }

    /// 503 for what passes: a load balancer and a Wallet may try again (Q04).
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self.kind {
            Kind::Passes | Kind::Crowded | Kind::InDoubt => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Stays => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which to ask again, where that makes sense.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self.kind {
            Kind::Passes | Kind::Crowded | Kind::InDoubt => Some(RETRY_AFTER_SECONDS),
            Kind::Stays => None,
        }
    }

    /// What whoever asked may know, and do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self.kind {
            Kind::Passes | Kind::Crowded => "nothing was done; try again soon",
            Kind::InDoubt => "whether this was done is not known yet; try again soon",
            Kind::Stays => "internal error",
        }
    }

    /// Tells the log, inside the span of the request, which has the id that is in `x-request-id`.
    /// What anybody can bring about is no error of ours: it would hide those that are.
    pub fn log(&self) {
        match self.kind {
            Kind::Crowded => tracing::warn!(reason = self.text, "request put off"),
            Kind::Stays | Kind::Passes | Kind::InDoubt => {
                tracing::error!(error = self.text, "request failed");
            }
        }
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Unavailable(_) => Kind::Passes,
            StoreError::InDoubt(_) => Kind::InDoubt,
            StoreError::Broken(_) => Kind::Stays,
        };
        Self { text: error.to_string(), kind }
    }
}

impl<R> Failure<R> {
    /// The same, where a refusal has another name.
    pub(crate) fn map<S>(self, name: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refusal) => Failure::Refused(name(refusal)),
            Self::Broken(broken) => Failure::Broken(broken),
        }
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
            Self::Refused(refusal) => refused(&refusal, &SCHEMES),
            Self::Broken(broken) => broken.into_response(),
        }
    }
}

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        self.log();
        let Some(seconds) = self.retry_after() else {
            return error(self.status(), ErrorCode::ServerError, self.advice());
        };
        let code = ErrorCode::TemporarilyUnavailable;
        let mut response = error(self.status(), code, self.advice());
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
        response
    }
}

/// How tokens are presented where nothing depends on it: at endpoints that take none.
const SCHEMES: Schemes<'static> = Schemes { bearer: true, dpop: &[] };

/// The answer to a request that broke a rule, where tokens are presented in these ways.
pub fn refused(refusal: &dyn Refusal, schemes: &Schemes<'_>) -> Response {
    let (code, text) = refusal.answer();
    tracing::info!(error = code.name(), reason = text, "refused");
    let status = StatusCode::from_u16(refusal.status());
    let mut response = error(status.unwrap_or(StatusCode::BAD_REQUEST), code, text);
    let challenge = www_authenticate(refusal, schemes);
    if let Some(value) = challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

/// An error body as every endpoint gives it (RFC 6749 §5.2, VCI §8.3.1.2, CRED-52).
#[must_use]
pub fn error(status: StatusCode, error: ErrorCode, error_description: &'static str) -> Response {
    let body = Json(ErrorBody { error, error_description });
    (status, [(CACHE_CONTROL, "no-store")], body).into_response()
}

//! What stands around every handler of the portal: headers, and a page for whatever went wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, Entry, REFERRER_POLICY, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use oid4vci::authorization::DeadEnd;
use oid4vci::error::Refusal as _;

use super::Portal;

use super::visitor::Visitor;
use crate::failure::Broken;
use crate::flow::offer::MakeOfferError;
use crate::http::address_limit::WaitSeconds;
use crate::http::around::RequestId;
use crate::portal::assets;
use crate::portal::pages::{NoticeKind, NoticePage};

/// Why there is no page.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// Nothing is there, or nothing for this reader.
    NotFound,
    /// The page is not asked for in this way; no page of ours asks so.
    WrongMethod,
    /// The form did not come from a page of ours, or not whole.
    StaleForm,
    /// It took longer than a request may take.
    TooSlow,
    /// The form is longer than the operator allows.
    LongForm,
    /// A wallet sent somebody to sign in, and that cannot go on (RFC 6749 §4.1.2.1).
    DeadEnd(DeadEnd),
    /// The address may ask again after so many seconds.
    TooMany(u64),
    /// Our own fault.
    Broken(Broken),
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// Whoever applied did nothing wrong when no offer can be made: the type was changed meanwhile.
impl From<MakeOfferError> for Trouble {
    fn from(error: MakeOfferError) -> Self {
        match error {
            MakeOfferError::Broken(broken) => broken.into(),
            MakeOfferError::NoConfiguration
            | MakeOfferError::UnknownConfiguration(_)
            | MakeOfferError::RepeatedConfiguration(_)
            | MakeOfferError::Claims(_)
            | MakeOfferError::TooShort
            | MakeOfferError::TooLong(..)
            | MakeOfferError::NeedsTxCode
            | MakeOfferError::NoClients
            | MakeOfferError::UselessTxCode
            | MakeOfferError::AccountWithoutSignIn
            | MakeOfferError::UnknownAccount(_)
            | MakeOfferError::DraftNotEnabled(_)
            | MakeOfferError::NotInDraft(..)
            | MakeOfferError::NothingToWaitWith
            | MakeOfferError::KeyUsedBefore
            | MakeOfferError::NotDelivered(_)
            | MakeOfferError::Replaced => Self::fault(format!("no offer was made: {error}")),
        }
    }
}

impl From<WaitSeconds> for Trouble {
    fn from(wait: WaitSeconds) -> Self {
        Self::TooMany(wait.0)
    }
}

/// Only marks the answer: [`around`] knows the reader and makes the page.
impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Trouble {
    pub(super) const fn fault(text: String) -> Self {
        Self::Broken(Broken::fault(text))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::StaleForm => StatusCode::FORBIDDEN,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::LongForm => StatusCode::PAYLOAD_TOO_LARGE,
            Self::DeadEnd(_) => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken(broken) => broken.status(),
        }
    }

    const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::NotFound
            | Self::WrongMethod
            | Self::StaleForm
            | Self::TooSlow
            | Self::DeadEnd(_)
            | Self::LongForm => None,
            Self::TooMany(seconds) => Some(*seconds),
            Self::Broken(broken) => broken.retry_after(),
        }
    }

    fn page(&self, visitor: &Visitor, request_id: &str) -> Response {
        let kind = match self {
            Self::NotFound | Self::WrongMethod => NoticeKind::NotFound,
            Self::StaleForm => NoticeKind::StaleForm,
            Self::TooSlow => NoticeKind::TooSlow,
            Self::LongForm => NoticeKind::LongForm,
            Self::DeadEnd(DeadEnd::Over | DeadEnd::UnknownRequest) => NoticeKind::SignInOver,
            Self::DeadEnd(dead_end) => NoticeKind::BadRequest(dead_end.answer().1),
            Self::TooMany(seconds) => NoticeKind::TooMany(*seconds),
            Self::Broken(broken) => {
                broken.log();
                NoticeKind::Broken(request_id)
            }
        };
        let page = visitor.page(self.status(), &NoticePage { site: visitor.site(), kind });
        let mut response = page.unwrap_or_else(|_| self.status().into_response());
        let retry_after = self.retry_after().map(|seconds| (RETRY_AFTER, seconds.into()));
        response.headers_mut().extend(retry_after);
        response
    }
}

/// Tells the handler who asks, and gives every answer of the portal its headers.
pub(super) async fn around(
    State(portal): State<Arc<Portal>>,
    mut request: Request,
    next: Next,
) -> Response {
    let visitor = Visitor::of(&portal, &request);
    let request_id = request.extensions().get::<RequestId>().cloned();
    request.extensions_mut().insert(visitor.clone());
    let answered = tokio::time::timeout(patience(&portal), next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| Trouble::TooSlow.into_response());
    if let Some(trouble) = response.extensions_mut().remove::<Trouble>() {
        response = trouble.page(&visitor, request_id.as_ref().map_or("", |id| &id.0));
    }
    protect(response.headers_mut());
    response
}

/// A little less than the listener's own, which knows nothing of pages.
fn patience(portal: &Portal) -> Duration {
    Duration::from_secs(portal.issuer.config.server.request_seconds) * 9 / 10
}

/// Nothing from elsewhere, in no frame (P02, P03); the link in the address stays here; not kept.
fn protect(headers: &mut HeaderMap) {
    if let Entry::Vacant(policy) = headers.entry(CONTENT_SECURITY_POLICY) {
        policy.insert(HeaderValue::from_static(assets::CONTENT_SECURITY_POLICY));
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Entry::Vacant(cache_control) = headers.entry(CACHE_CONTROL) {
        cache_control.insert(HeaderValue::from_static("no-store"));
    }
}

//! Pushed Authorization Requests: the browser carries a name instead of the request (RFC 9126).

use keys::json;
use serde::Serialize;
use serde_json::Value;

use super::{AnswerTo, AuthorizationRefusal, DeadEnd, ParsedRequest, Requestable};
use crate::client::{Client, ClientRefusal};
use crate::error::{Demand, ErrorCode, Refusal};
use crate::parameters::parameter;
use crate::secret::AuthorizationHandle;
use crate::sender::{Sender, SenderPolicy};
use crate::token::TokenRefusal;

/// What stands before the handle in a `request_uri` (RFC 9126 §2.2).
pub const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a pushed request waits for its browser (RFC 9126 §2.2: 5 to 600).
pub const PUSHED_SECONDS: u64 = 90;
/// Longest `request_uri` that a Wallet takes.
const REQUEST_URI_BYTES_MAX: usize = 2048;

/// A pushed request, judged like any other.
#[derive(Debug)]
pub struct PushedRequest;

impl PushedRequest {
    /// Reads the body; whoever asks was authenticated before (RFC 9126 §2.1, DEP-02).
    pub fn parse(
        form: &[(String, String)],
        client: &Client,
        server: &Requestable<'_>,
    ) -> Result<ParsedRequest, PushRefusal> {
        if parameter(form, "request_uri").map_err(DeadEnd::from)?.is_some() {
            return Err(PushRefusal::RequestUri);
        }
        let answer_to = AnswerTo::parse(form, client)?;
        Ok(ParsedRequest::parse(form, client, answer_to, server)?)
    }

    /// Ties the code to the key that is proved beside the request, as if `dpop_jkt` named it; both
    /// may be there, and must mean the same key (RFC 9449 §10.1). A Wallet that must be attested
    /// is so from here on (HAIP-29); a key it may still bring later.
    pub fn with_sender(
        mut parsed: ParsedRequest,
        sender: &Sender,
        policy: SenderPolicy,
    ) -> Result<ParsedRequest, PushRefusal> {
        SenderPolicy { dpop_required: false, ..policy }.check(sender)?;
        let Some(key) = sender.bound_to().map(ToString::to_string) else { return Ok(parsed) };
        let named = parsed.request.dpop_jkt.get_or_insert_with(|| key.clone());
        if *named != key {
            return Err(AuthorizationRefusal::BadThumbprint.into());
        }
        Ok(parsed)
    }
}

/// The handle in a `request_uri` of ours.
#[must_use]
pub fn request_handle(request_uri: &str) -> Option<AuthorizationHandle> {
    request_uri.strip_prefix(REQUEST_URI_PREFIX).map(AuthorizationHandle::new)
}

/// The answer to a pushed request (AUTHZ-21).
#[derive(Debug, Serialize)]
pub struct PushResponse {
    /// Good for one browser.
    pub request_uri: String,
    /// In seconds.
    pub expires_in: u64,
}

impl PushResponse {
    /// The one message that carries the handle.
    #[must_use]
    pub fn new(handle: &AuthorizationHandle) -> Self {
        let request_uri = format!("{REQUEST_URI_PREFIX}{}", handle.expose());
        Self { request_uri, expires_in: PUSHED_SECONDS }
    }
}

/// The same as a Wallet takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPushResponse {
    /// Goes unchanged into the browser's address.
    pub request_uri: String,
}

impl ReceivedPushResponse {
    /// Reads the body of a `201` answer; `None` when it cannot be used.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let value = json::parse(body).ok()?;
        let uri = value.get("request_uri").and_then(Value::as_str)?;
        let length = 1..=REQUEST_URI_BYTES_MAX;
        length.contains(&uri.len()).then(|| Self { request_uri: uri.to_owned() })
    }
}

/// Why a pushed request is refused: the client is told everything, as nobody is redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushRefusal {
    /// RFC 9126 §2.1
    Client(ClientRefusal),
    /// RFC 9126 §2.1: a pushed request names no other.
    RequestUri,
    /// Not `application/x-www-form-urlencoded`.
    Unreadable,
    /// What a person would be told.
    DeadEnd(DeadEnd),
    /// RFC 9126 §2.3
    Request(AuthorizationRefusal),
    /// RFC 9449 §10.1, WALATT-09: what is proved beside the request.
    Sender(TokenRefusal),
}

impl From<TokenRefusal> for PushRefusal {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Sender(refusal)
    }
}

impl From<ClientRefusal> for PushRefusal {
    fn from(refusal: ClientRefusal) -> Self {
        Self::Client(refusal)
    }
}

impl From<DeadEnd> for PushRefusal {
    fn from(dead_end: DeadEnd) -> Self {
        Self::DeadEnd(dead_end)
    }
}

impl From<AuthorizationRefusal> for PushRefusal {
    fn from(refusal: AuthorizationRefusal) -> Self {
        Self::Request(refusal)
    }
}

impl Refusal for PushRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        match self {
            Self::Client(refusal) => refusal.answer(),
            Self::RequestUri => {
                (ErrorCode::InvalidRequest, "a pushed request must not have a request_uri")
            }
            Self::Unreadable => {
                (ErrorCode::InvalidRequest, "the body must be application/x-www-form-urlencoded")
            }
            Self::DeadEnd(dead_end) => dead_end.answer(),
            Self::Request(refusal) => refusal.answer(),
            Self::Sender(refusal) => refusal.answer(),
        }
    }

    fn demand(&self) -> Option<Demand> {
        if let Self::Sender(refusal) = self { refusal.demand() } else { None }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Client(refusal) => refusal.status(),
            Self::Sender(refusal) => refusal.status(),
            Self::RequestUri | Self::Unreadable | Self::DeadEnd(_) | Self::Request(_) => 400,
        }
    }
}

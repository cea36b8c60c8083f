//! Requests that reach a router without a socket, and answers read to their end.

use std::fmt;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use tower::ServiceExt as _;
use url::form_urlencoded;
use wallet::http::{HEADERS, Http, HttpError, Method, Response};

/// The media type of every Token Request (TOKEN-01).
pub const FORM: &str = "application/x-www-form-urlencoded";
/// The media type of every Credential Request (CRED-19).
pub const JSON: &str = "application/json";

/// A listener whose router is called directly.
#[derive(Clone)]
pub struct Wire(Router);

impl Wire {
    /// Takes the router that a server would run.
    pub const fn new(router: Router) -> Self {
        Self(router)
    }

    /// Sends one request; addresses may be whole URLs, their host does not matter.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends one request whose answer comes bit by bit.
    pub async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.0.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request that a test has begun; nothing is added to it.
    pub async fn ask(&self, begun: Builder, body: impl Into<Body>) -> Answer {
        self.send(begun.body(body.into()).unwrap()).await
    }

    /// Reads a document.
    pub async fn get(&self, address: &str) -> Answer {
        self.ask(Request::get(address), "").await
    }

    /// Sends a form.
    pub async fn post_form(&self, address: &str, form: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.ask(Request::post(address).header(CONTENT_TYPE, FORM), body).await
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// The wallet's network is this one issuer.
#[async_trait]
impl Http for Wire {
    async fn send(&self, request: wallet::http::Request) -> Result<Response, HttpError> {
        let mut begun = match request.method {
            Method::Get => Request::get(request.url.as_str()),
            Method::Post => Request::post(request.url.as_str()),
        };
        for (name, value) in request.headers {
            begun = begun.header(name, value);
        }
        let answer = self.ask(begun, request.body).await;
        if answer.body.len() > request.bytes_max {
            return Err(HttpError::TooLarge);
        }
        let content_type = Some(answer.header("content-type").to_owned());
        let named = |name| answer.headers.get(name).map(|_| (name, answer.header(name).to_owned()));
        let headers = HEADERS.into_iter().filter_map(named).collect();
        Ok(Response { status: answer.status, content_type, headers, body: answer.body.to_vec() })
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Every header.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// A header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A success with its JSON, which nobody may keep (TOKEN-16, CRED-32, NONCE-06).
    pub fn success(&self) -> Value {
        assert_eq!(
            (self.status, self.header(CACHE_CONTROL.as_str())),
            (200, "no-store"),
            "{self:?}"
        );
        assert_eq!(self.header(CONTENT_TYPE.as_str()), JSON);
        self.json()
    }

    /// Status and code of a refusal, in the one shape that all refusals have (TOKEN-22, CRED-52).
    pub fn refusal(&self) -> (u16, String) {
        assert!(self.status >= 400, "{self:?}");
        assert_eq!(self.header(CONTENT_TYPE.as_str()), JSON, "{self:?}");
        assert_eq!(self.header(CACHE_CONTROL.as_str()), "no-store");
        let body = self.json();
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        let text = body["error_description"].as_str().unwrap();
        let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(!text.is_empty() && text.bytes().all(allowed), "CRED-63: {text}");
        (self.status, body["error"].as_str().unwrap().to_owned())
    }

    /// Whether it is this refusal.
    pub fn is(&self, status: u16, error: &str) -> bool {
        self.refusal() == (status, error.to_owned())
    }
}

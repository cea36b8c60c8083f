//! What the wallet needs of HTTP: one request, one answer, with limits.
//!
//! The flow knows only this trait, so a phone may bring its own client; [`crate::client`] is ours.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use oid4vci::attestation::client;
use oid4vci::dpop;
use url::{Url, form_urlencoded};

/// Largest answer that is read unless the request says otherwise.
pub const BYTES_MAX: usize = 1024 * 1024;
/// How long a question may take in all: an answer that drips in is no answer (catalogue A05).
pub const GET_DEADLINE: Duration = Duration::from_secs(10);
/// How long an order may take: whoever signs may need a moment, and to give up loses the result.
pub const POST_DEADLINE: Duration = Duration::from_secs(30);

/// Sends requests; the only way in which the wallet reaches the network.
#[async_trait]
pub trait Http: fmt::Debug + Send + Sync {
    /// Sends one request, and never a second one because the answer asked for it.
    async fn send(&self, request: Request) -> Result<Response, HttpError>;
}

/// For whoever wants nobody to be asked.
#[derive(Clone, Copy, Debug)]
pub struct NoNetwork;

#[async_trait]
impl Http for NoNetwork {
    async fn send(&self, _: Request) -> Result<Response, HttpError> {
        Err(HttpError::NoNetwork)
    }
}

/// One request.
#[derive(Clone)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// May hold an Access Token: never printed.
    pub headers: Vec<(&'static str, String)>,
    /// May hold a code: never printed.
    pub body: Vec<u8>,
    /// An answer with a longer body is refused.
    pub bytes_max: usize,
    /// From the first packet to the last byte of the answer.
    pub deadline: Duration,
}

/// The two methods of OpenID4VCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads, changes nothing.
    Get,
    /// Everything else.
    Post,
}

impl Request {
    /// Asks for a document.
    #[must_use]
    pub const fn get(url: Url) -> Self {
        Self {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            bytes_max: BYTES_MAX,
            deadline: GET_DEADLINE,
        }
    }

    /// Asks for something to be done, without a body.
    #[must_use]
    pub const fn post(url: Url) -> Self {
        let mut request = Self::get(url);
        request.method = Method::Post;
        request.deadline = POST_DEADLINE;
        request
    }

    /// Adds a body.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", content_type)
    }

    /// Adds the body of a form.
    #[must_use]
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body("application/x-www-form-urlencoded", form.into_bytes())
    }

    /// Adds pairs to the body of a form.
    #[must_use]
    pub fn more_form(mut self, pairs: &[(&str, &str)]) -> Self {
        let more = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        if !self.body.is_empty() {
            self.body.push(b'&');
        }
        self.body.extend(more.into_bytes());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets how much of an answer is read.
    #[must_use]
    pub const fn at_most(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path may be a secret too: that of an offer by reference is.
        let host = self.url.host_str();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &host)
            .finish_non_exhaustive()
    }
}

/// The headers of an answer that the flow reads beside its `Content-Type`.
pub const HEADERS: [&str; 3] = [dpop::NONCE_HEADER, client::CHALLENGE_HEADER, WWW_AUTHENTICATE];

/// Says why a token was refused (RFC 6750 §3).
pub const WWW_AUTHENTICATE: &str = "WWW-Authenticate";

/// One answer, read to its end.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `Content-Type` as it came.
    pub content_type: Option<String>,
    /// Those of [`HEADERS`] that came, by these names.
    pub headers: Vec<(&'static str, String)>,
    /// May hold a token: never printed.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the answer says it is of this media type; parameters are ignored.
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        let given = self.content_type.as_deref().unwrap_or_default();
        let given = given.split(';').next().unwrap_or_default();
        given.trim().eq_ignore_ascii_case(media_type)
    }

    /// One of [`HEADERS`].
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no answer (catalogue X53: a person must see which of these it is).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// Neither `https`, nor plain `http` to this machine with leave (catalogue A04).
    NotHttps,
    /// An address inside a private network (catalogue A01, F02, F03).
    ForbiddenAddress,
    /// An address at which no issuer can be, agreed to or not (catalogue A01).
    OffLimits,
    /// No address for the name.
    UnknownHost,
    /// Nobody listens there.
    ConnectionRefused,
    /// No way there, or the connection broke.
    Unreachable,
    /// The certificate ends in no authority that this machine trusts.
    UntrustedCertificate,
    /// The certificate is out of date, or this machine's clock is wrong.
    ExpiredCertificate,
    /// The certificate belongs to another host.
    ForeignCertificate,
    /// No secure connection for another reason.
    Tls,
    /// Too slow.
    TimedOut,
    /// Longer than any honest answer.
    TooLarge,
    /// The server names another address; redirects are not followed (catalogue A03, F04).
    Redirected,
    /// What came back is no HTTP.
    Garbled,
    /// Nobody is asked: that is what was wanted.
    NoNetwork,
}

impl HttpError {
    /// Whether the request may have reached the other side, and been done there.
    #[must_use]
    pub const fn may_have_arrived(self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut | Self::Garbled => true,
            Self::NotHttps
            | Self::ForbiddenAddress
            | Self::OffLimits
            | Self::UnknownHost
            | Self::ConnectionRefused
            | Self::UntrustedCertificate
            | Self::ExpiredCertificate
            | Self::ForeignCertificate
            | Self::Tls
            | Self::TooLarge
            | Self::Redirected
            | Self::NoNetwork => false,
        }
    }

    /// What is wrong, for a person; the host is named by whoever shows this.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotHttps => "the address is not an https address",
            Self::ForbiddenAddress => "the address belongs to a private network",
            Self::OffLimits => {
                "the address is link-local or a cloud's metadata service: no issuer is there"
            }
            Self::UnknownHost => "the host was not found",
            Self::ConnectionRefused => "the server refused the connection",
            Self::Unreachable => "the server cannot be reached",
            Self::UntrustedCertificate => "the server's TLS certificate is not trusted",
            Self::ExpiredCertificate => "the server's TLS certificate is not valid today",
            Self::ForeignCertificate => "the server's TLS certificate belongs to another host",
            Self::Tls => "no secure connection to the server",
            Self::TimedOut => "the server did not answer in time",
            Self::TooLarge => "the server's answer is too large",
            Self::Redirected => "the server sends us to another address",
            Self::Garbled => "the server's answer is not readable",
            Self::NoNetwork => "the network is not to be used",
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::NotHttps => "ask the issuer for a link that uses https",
            Self::ForbiddenAddress => "only go on if you know this server and expect it there",
            Self::OffLimits => "do not go on: the offer would misuse this machine",
            Self::UnknownHost => "check your network connection and the name of the host",
            Self::ConnectionRefused | Self::Unreachable | Self::TimedOut => {
                "check your network connection, then try again"
            }
            Self::UntrustedCertificate => {
                "if the server uses an authority of its own, add its CA certificate"
            }
            Self::ExpiredCertificate => "check this machine's date, then tell the issuer",
            Self::ForeignCertificate | Self::Tls => {
                "a network that asks you to log in can cause this; otherwise tell the issuer"
            }
            Self::TooLarge | Self::Redirected | Self::Garbled => "tell the issuer",
            Self::NoNetwork => "allow the network, or give what would be fetched as a file",
        }
    }

    /// A stable name for scripts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotHttps => "not_https",
            Self::ForbiddenAddress => "forbidden_address",
            Self::OffLimits => "off_limits_address",
            Self::UnknownHost => "unknown_host",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "unreachable",
            Self::UntrustedCertificate => "untrusted_certificate",
            Self::ExpiredCertificate => "expired_certificate",
            Self::ForeignCertificate => "foreign_certificate",
            Self::Tls => "tls",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::Redirected => "redirected",
            Self::Garbled => "garbled",
            Self::NoNetwork => "no_network",
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for HttpError {}

//! The issuer's only way out: to servers that the operator named, and to what these name; to the
//! websites of holders with a client of its own, which goes to public addresses alone.
//!
//! `https` but for this machine, no redirects, no proxies, no cookies; answers are bounded in size
//! and time.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keys::json;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

mod documents;
mod guard;

pub(crate) use documents::{Document, Keys, Wanted};
use guard::{Guard, Unreached};

/// Longest answer that is read.
const BYTES_MAX: usize = 512 * 1024;
/// From the first packet to the last byte of an answer: a person waits.
const DEADLINE: Duration = Duration::from_secs(8);
/// The same for the website of a stranger, who may like to keep us waiting.
pub(crate) const STRANGERS_DEADLINE: Duration = Duration::from_secs(3);
const USER_AGENT: &str = concat!("bestow/", env!("CARGO_PKG_VERSION"));

/// What a server gave us to authenticate with.
#[derive(Clone)]
pub(crate) struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    pub(crate) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// For the one message that carries it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

/// How we say who we are (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credentials<'c> {
    pub(crate) client_id: &'c str,
    pub(crate) client_secret: Option<&'c ClientSecret>,
    /// In the body, because the server takes no header.
    pub(crate) in_body: bool,
}

/// Why there is no answer, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutgoingError {
    /// No connection, no TLS, too slow.
    Unreachable(String),
    /// Nobody was asked: too many others are.
    Busy,
    /// Not a JSON object, too long, or another address.
    Unreadable,
    /// This status, and the error code in the answer where it has one (RFC 6749 §5.2).
    Status(u16, Option<String>),
}

impl fmt::Display for OutgoingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(text) => write!(f, "no answer: {text}"),
            Self::Busy => f.write_str("too many others are asked"),
            Self::Unreadable => f.write_str("the answer is not the JSON of such a server"),
            Self::Status(status, _) => write!(f, "the answer has status {status}"),
        }
    }
}

/// The client; its connections are kept and used again.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing(Client);

impl Outgoing {
    /// `authorities` is PEM, beside what the machine trusts; `None` when it is none, or the TLS
    /// library refuses.
    pub(crate) fn new(authorities: Option<&str>) -> Option<Self> {
        builder(authorities)?.timeout(DEADLINE).build().ok().map(Self)
    }

    /// Reads a JSON document on the website of somebody whom nobody knows; the rest is as with
    /// [`Outgoing::bytes`].
    pub(crate) async fn json_bytes(
        &self,
        url: &Url,
        media_types: &[&str],
        bytes_max: usize,
    ) -> Result<Vec<u8>, OutgoingError> {
        let request = self.0.get(url.clone()).header(ACCEPT, media_types.join(", "));
        let response = request.send().await.map_err(unreachable)?;
        let given = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let given = given.and_then(|given| given.split(';').next()).unwrap_or_default().trim();
        let is_meant = media_types.iter().any(|media_type| given.eq_ignore_ascii_case(media_type));
        match response.status().as_u16() {
            200 if is_meant => read_all(response, bytes_max).await,
            200 => Err(OutgoingError::Unreadable),
            status => Err(OutgoingError::Status(status, None)),
        }
    }

    /// To websites of strangers: by `https` and to public addresses, unless the operator allows
    /// private ones. No connection is kept.
    pub(crate) fn guarded(authorities: Option<&str>, allows_private: bool) -> Option<Self> {
        let builder = builder(authorities)?
            .timeout(STRANGERS_DEADLINE)
            .https_only(true)
            .pool_max_idle_per_host(0)
            .dns_resolver(Guard::new(allows_private));
        builder.build().ok().map(Self)
    }

    /// Reads a document.
    pub(crate) async fn document(&self, url: &Url) -> Result<Map<String, Value>, OutgoingError> {
        read(self.0.get(url.clone())).await
    }

    /// Reads what is no JSON.
    pub(crate) async fn bytes(
        &self,
        url: &Url,
        accept: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, OutgoingError> {
        let request = self.0.get(url.clone()).header(ACCEPT, accept);
        match answer(request, bytes_max).await? {
            (200, body) => Ok(body),
            (status, _) => Err(OutgoingError::Status(status, None)),
        }
    }

    /// Reads a document that an Access Token opens (RFC 6750 §2.1).
    pub(crate) async fn document_with(
        &self,
        url: &Url,
        access_token: &str,
    ) -> Result<Map<String, Value>, OutgoingError> {
        let request = self.0.get(url.clone());
        read(with_secret(request, format!("Bearer {access_token}"))?).await
    }

    /// Sends a form as an authenticated client.
    pub(crate) async fn form(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        credentials: Credentials<'_>,
    ) -> Result<Map<String, Value>, OutgoingError> {
        let mut request = self.0.post(url.clone());
        if let Some(secret) = credentials.client_secret.filter(|_| !credentials.in_body) {
            request = with_secret(request, basic(credentials.client_id, secret))?;
        }
        let body = body(form, credentials);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        read(request.body(body)).await
    }
}

/// The form, with what says who we are where no header does.
fn body(form: &[(&str, &str)], credentials: Credentials<'_>) -> String {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    match credentials.client_secret {
        Some(_) if !credentials.in_body => {}
        Some(secret) => {
            body.append_pair("client_id", credentials.client_id);
            body.append_pair("client_secret", secret.expose());
        }
        None => drop(body.append_pair("client_id", credentials.client_id)),
    }
    body.finish()
}

/// RFC 6749 §2.3.1: both are encoded as in a form before they are joined.
fn basic(client_id: &str, secret: &ClientSecret) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret.expose())));
    format!("Basic {}", BASE64_STANDARD.encode(joined.as_bytes()))
}

fn with_secret(request: RequestBuilder, value: String) -> Result<RequestBuilder, OutgoingError> {
    // Only what another side gave us can hold what no header may.
    let mut value = HeaderValue::try_from(value).map_err(|_| OutgoingError::Unreadable)?;
    value.set_sensitive(true);
    Ok(request.header(AUTHORIZATION, value))
}

async fn read(request: RequestBuilder) -> Result<Map<String, Value>, OutgoingError> {
    let request = request.header(ACCEPT, "application/json");
    let (status, body) = answer(request, BYTES_MAX).await?;
    let object = json::parse_object(&body);
    if status != 200 {
        let code = object.ok().and_then(|object| object.get("error")?.as_str().map(str::to_owned));
        return Err(OutgoingError::Status(status, code));
    }
    object.map_err(|_| OutgoingError::Unreadable)
}

async fn answer(
    request: RequestBuilder,
    bytes_max: usize,
) -> Result<(u16, Vec<u8>), OutgoingError> {
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    Ok((status, read_all(response, bytes_max).await?))
}

/// Reads no more than it may, whatever `Content-Length` says.
async fn read_all(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, OutgoingError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(OutgoingError::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Without the address: its query may hold what no log may.
fn unreachable(error: reqwest::Error) -> OutgoingError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(unreached) = inner.downcast_ref::<Unreached>() {
            return match unreached {
                Unreached::Busy => OutgoingError::Busy,
                Unreached::ForbiddenAddress | Unreached::UnknownHost => {
                    OutgoingError::Unreachable(unreached.to_string())
                }
            };
        }
        cause = inner.source();
    }
    OutgoingError::Unreachable(error.without_url().to_string())
}

fn builder(authorities: Option<&str>) -> Option<ClientBuilder> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(authorities)?)
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy();
    Some(builder)
}

/// The machine's authorities and the given ones; the cryptography is aws-lc-rs.
fn tls(authorities: Option<&str>) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    // A machine without readable roots is no fault here: the first connection will say so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = authorities {
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(certificate.ok()?).ok()?;
            count += 1;
        }
        if count == 0 {
            return None;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(versions.with_root_certificates(roots).with_no_client_auth())
}

//! The wallet's own HTTP client: https, no redirects, no proxies, no cookies, no private addresses.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use url::{Host, Url};

use crate::http::{HEADERS, Http, HttpError, Method, Request, Response};
use oid4vci::address::{is_localhost, is_off_limits, is_public, is_this_machine};

const USER_AGENT: &str = concat!("bestow/", env!("CARGO_PKG_VERSION"));

/// What the person, or the program around the wallet, allows beyond the strict default.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Authorities in PEM that are trusted beside those of the machine.
    pub extra_authorities: Vec<String>,
    /// Plain `http`, but to this machine only.
    pub allow_http_loopback: bool,
    /// Addresses of private networks: for a program whose user has agreed to the host. Those of
    /// [`oid4vci::address::is_off_limits`] stay forbidden.
    pub allow_private_addresses: bool,
}

/// [`Http`] over reqwest and rustls.
#[derive(Debug)]
pub struct GuardedClient {
    client: Client,
    guard: Guard,
}

impl GuardedClient {
    /// Builds the client once; its connections are kept and used again.
    pub fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        let guard = Guard {
            http_loopback: options.allow_http_loopback,
            private: options.allow_private_addresses,
        };
        let client = Client::builder()
            .tls_backend_preconfigured(tls(&options.extra_authorities)?)
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(guard)
            .build()
            .map_err(|_| ClientError::Setup)?;
        Ok(Self { client, guard })
    }

    fn prepare(&self, request: Request) -> Result<RequestBuilder, HttpError> {
        let mut builder = match request.method {
            Method::Get => self.client.get(request.url),
            // Without a length some servers wait for a body.
            Method::Post if request.body.is_empty() => {
                self.client.post(request.url).header(CONTENT_LENGTH, "0")
            }
            Method::Post => self.client.post(request.url).body(request.body),
        };
        for (name, value) in request.headers {
            // Only what another side gave us, such as a token, can hold what no header may.
            let mut value = HeaderValue::try_from(value).map_err(|_| HttpError::Garbled)?;
            value.set_sensitive(true);
            builder = builder.header(name, value);
        }
        Ok(builder.timeout(request.deadline))
    }
}

#[async_trait]
impl Http for GuardedClient {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.guard.permit(&request.url)?;
        let bytes_max = request.bytes_max;
        let response = self.prepare(request)?.send().await.map_err(|error| cause(&error))?;
        if response.status().is_redirection() {
            return Err(HttpError::Redirected);
        }
        let text = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let headers = HEADERS.into_iter().filter_map(|name| Some((name, text(name)?)));
        Ok(Response {
            status: response.status().as_u16(),
            content_type: text(CONTENT_TYPE.as_str()),
            headers: headers.collect(),
            body: read(response, bytes_max).await?,
        })
    }
}

/// Reads no more than it may, whatever `Content-Length` says (catalogue A05).
async fn read(mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The machine's authorities and the given ones (SEC-21); the cryptography is aws-lc-rs.
fn tls(extra_authorities: &[String]) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    // A machine without readable roots is no fault here: the first connection will say so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in extra_authorities {
        let mut read = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| ClientError::BadAuthority)?;
            roots.add(certificate).map_err(|_| ClientError::BadAuthority)?;
            read += 1;
        }
        if read == 0 {
            return Err(ClientError::BadAuthority);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| ClientError::Setup)?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// Decides where the client may connect.
///
/// Names are judged by the addresses they resolve to, and the connection goes to just these
/// addresses: a second look-up could answer differently (catalogue A02).
#[derive(Clone, Copy, Debug)]
struct Guard {
    http_loopback: bool,
    private: bool,
}

impl Guard {
    /// What can be said before a name is resolved.
    fn permit(self, url: &Url) -> Result<(), HttpError> {
        let this_machine = is_this_machine(url);
        match url.scheme() {
            "https" => {}
            "http" if self.http_loopback && this_machine => {}
            _ => return Err(HttpError::NotHttps),
        }
        match url.host() {
            _ if this_machine => self.permit_loopback(),
            Some(Host::Ipv4(address)) => self.permit_address(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.permit_address(IpAddr::V6(address)),
            Some(Host::Domain(_)) => Ok(()),
            None => Err(HttpError::NotHttps),
        }
    }

    fn permit_loopback(self) -> Result<(), HttpError> {
        let permitted = self.private || self.http_loopback;
        permitted.then_some(()).ok_or(HttpError::ForbiddenAddress)
    }

    fn permit_address(self, address: IpAddr) -> Result<(), HttpError> {
        if is_off_limits(address) {
            return Err(HttpError::OffLimits);
        }
        let permitted = self.private || is_public(address);
        permitted.then_some(()).ok_or(HttpError::ForbiddenAddress)
    }

    /// One forbidden address among several forbids the name (catalogue F03).
    async fn look_up(self, name: &str) -> Result<Vec<SocketAddr>, HttpError> {
        if is_localhost(name) {
            // RFC 6761 §6.3: nobody else is asked where this machine is.
            self.permit_loopback()?;
            return Ok(LOOPBACK.map(|address| SocketAddr::new(address, 0)).to_vec());
        }
        let found = tokio::net::lookup_host((name, 0)).await;
        let addresses: Vec<_> = found.map_err(|_| HttpError::UnknownHost)?.collect();
        for address in &addresses {
            self.permit_address(address.ip())?;
        }
        Ok(addresses)
    }
}

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let addresses = guard.look_up(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Finds out what went wrong: the reason lies deep inside reqwest's error.
fn cause(error: &reqwest::Error) -> HttpError {
    if error.is_timeout() {
        return HttpError::TimedOut;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(known) = known(inner) {
            return known;
        }
        cause = inner.source();
    }
    if error.is_connect() { HttpError::Unreachable } else { HttpError::Garbled }
}

fn known(error: &(dyn Error + 'static)) -> Option<HttpError> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // `source` of an I/O error leaves out what it wraps.
        let wrapped = error.get_ref().and_then(|wrapped| known(wrapped));
        return wrapped.or_else(|| broken(error.kind()));
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(certificate_fault(error));
    }
    error.downcast_ref::<HttpError>().copied()
}

fn broken(kind: io::ErrorKind) -> Option<HttpError> {
    if kind == io::ErrorKind::ConnectionRefused {
        return Some(HttpError::ConnectionRefused);
    }
    if kind == io::ErrorKind::TimedOut {
        return Some(HttpError::TimedOut);
    }
    BROKEN.contains(&kind).then_some(HttpError::Unreachable)
}

/// What a network does that is away or goes away.
const BROKEN: [io::ErrorKind; 7] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::NetworkDown,
    io::ErrorKind::UnexpectedEof,
];

fn certificate_fault(error: &rustls::Error) -> HttpError {
    use CertificateError as Fault;
    let rustls::Error::InvalidCertificate(fault) = error else {
        return HttpError::Tls;
    };
    let is_out_of_date = matches!(
        fault,
        Fault::Expired
            | Fault::ExpiredContext { .. }
            | Fault::NotValidYet
            | Fault::NotValidYetContext { .. }
    );
    let is_foreign = matches!(fault, Fault::NotValidForName | Fault::NotValidForNameContext { .. });
    if is_out_of_date {
        HttpError::ExpiredCertificate
    } else if is_foreign {
        HttpError::ForeignCertificate
    } else {
        HttpError::UntrustedCertificate
    }
}

/// Why there is no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// A given authority is no certificate in PEM.
    BadAuthority,
    /// The TLS library refused its configuration.
    Setup,
}

impl ClientError {
    /// What is wrong, for a person.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::BadAuthority => "the CA file holds no certificate in PEM form",
            Self::Setup => "the HTTP client cannot be set up",
        }
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for ClientError {}

#[cfg(test)]
mod tests {
    use super::{Guard, HttpError};

    /// A literal address is a name that resolves to itself, in every network.
    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let strict = Guard { http_loopback: false, private: false };
        let lenient = Guard { private: true, ..strict };
        for name in ["10.0.0.1", "127.0.0.1", "fd00::1", "::ffff:10.0.0.1"] {
            assert_eq!(strict.look_up(name).await, Err(HttpError::ForbiddenAddress), "{name}");
            assert!(lenient.look_up(name).await.is_ok(), "{name}");
        }
        for name in ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"] {
            assert_eq!(strict.look_up(name).await, Err(HttpError::OffLimits), "{name}");
            assert_eq!(lenient.look_up(name).await, Err(HttpError::OffLimits), "{name}");
        }
        assert!(strict.look_up("1.1.1.1").await.is_ok());
    }
}

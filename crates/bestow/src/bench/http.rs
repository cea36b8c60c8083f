//! A lean HTTP/1.1 client: connections that are kept, no redirects, no cookies, bounded answers.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderValue, RETRY_AFTER};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use super::trouble::Trouble;
use crate::exit::{Failure, Kind};

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a connection or an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where TLS connections are to be trusted.
#[derive(Clone)]
pub(super) struct Trust(TlsConnector);

impl Trust {
    /// The authorities of a PEM file, or those of this machine.
    pub(super) fn of(authorities: Option<&Path>) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        match authorities {
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Some(file) => {
                let bad = |error: &dyn Display| {
                    Failure::usage(format!("cannot read {}: {error}", file.display()))
                };
                let read = CertificateDer::pem_file_iter(file).map_err(|error| bad(&error))?;
                for certificate in read {
                    let certificate = certificate.map_err(|error| bad(&error))?;
                    roots.add(certificate).map_err(|error| bad(&error))?;
                }
            }
        }
        let mut config =
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        // Holders do not share sessions.
        config.resumption = Resumption::disabled();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

/// A scheme, a host and a port, resolved once.
pub(super) struct Origin {
    /// What URLs to it begin with.
    pub(super) base: String,
    host: HeaderValue,
    address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Origin {
    /// Plain http is for this machine only, as everywhere in this program.
    pub(super) fn of(url: &Url, trust: &Trust) -> Result<Self, Failure> {
        let bad = |text: &str| Failure::usage(format!("{url}: {text}"));
        let host = url.host().ok_or_else(|| bad("there is no host in it"))?;
        let tls = match url.scheme() {
            "https" => {
                let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(name).map_err(|error| bad(&error.to_string()))?;
                Some((trust.0.clone(), name))
            }
            "http" if is_loopback(&host) => None,
            _ => return Err(bad("must be https, or http to this machine")),
        };
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        Ok(Self {
            base: base(url).to_owned(),
            host: HeaderValue::try_from(authority).map_err(|_| bad("no host that can be sent"))?,
            address: address(url)?,
            tls,
        })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<Connection, Trouble> {
        let opened = timeout(PATIENCE, self.open()).await;
        opened.unwrap_or_else(|_| Err(Trouble::network("timeout", &"the connection took too long")))
    }

    async fn open(&self) -> Result<Connection, Trouble> {
        let failed = |error: std::io::Error| Trouble::network("connect", &error);
        let stream = TcpStream::connect(self.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        match &self.tls {
            None => Connection::over(stream, &self.host).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(failed)?;
                Connection::over(stream, &self.host).await
            }
        }
    }
}

/// `https://issuer.example:8443`
pub(super) fn base(url: &Url) -> &str {
    &url[..Position::AfterPort]
}

/// Path and query, as a request has them.
pub(super) fn path(url: &Url) -> Result<Uri, Trouble> {
    let path = &url[Position::BeforePath..Position::AfterQuery];
    path.parse().map_err(|error| Trouble::refusal("bad_url", &error))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The first address of a name that takes a connection: `localhost` has two.
fn address(url: &Url) -> Result<SocketAddr, Failure> {
    let failed = |error: &dyn Display| {
        let message = format!("cannot reach {}: {error}", base(url));
        Failure::new(Kind::Network, "network", message).hint("check that it is up")
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let found = (host, url.port_or_known_default().unwrap_or_default()).to_socket_addrs();
    let mut refused = None;
    for address in found.map_err(|error| failed(&error))? {
        match std::net::TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(address),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or_else(|| failed(&"the name has no address"), |error| failed(&error)))
}

/// One connection that is kept.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl Connection {
    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        host: &HeaderValue,
    ) -> Result<Self, Trouble> {
        let opened = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| Trouble::network("connect", &error))?;
        tokio::spawn(connection); // what ends it shows at the next request
        Ok(Self { sender, host: host.clone() })
    }

    /// Whether another request can be sent.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends one request and reads the whole answer.
    pub(super) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Trouble> {
        let answered = timeout(PATIENCE, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(Trouble::network("timeout", &"no answer in time")))
    }

    async fn exchange(&mut self, mut request: Request<Full<Bytes>>) -> Result<Answer, Trouble> {
        request.headers_mut().insert(HOST, self.host.clone());
        let broken = |error: hyper::Error| Trouble::network("connection", &error);
        self.sender.ready().await.map_err(broken)?;
        let answer = self.sender.send_request(request).await.map_err(broken)?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| Trouble::network("connection", &error))?;
        Ok(Answer { status, retry_after, body: body.to_bytes() })
    }
}

/// One answer.
pub(super) struct Answer {
    pub(super) status: u16,
    retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

impl Answer {
    /// The body of a success; everything else is a refusal.
    pub(super) fn success(self) -> Result<Bytes, Trouble> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(Trouble::answered(self.status, &self.body).until(self.retry_after))
    }
}

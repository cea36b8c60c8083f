//! Every request goes to the next node, as behind a load balancer that knows nothing.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io};

use reqwest::{Certificate, Client, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use crate::journal::{Entry, Journal, Step};

/// How long a wallet waits for one answer.
const ANSWER: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(1);
/// Between two attempts of the same step. Shorter than any `Retry-After`: the clock here measures
/// when service is back, and is no model of a polite wallet.
const PAUSE: Duration = Duration::from_millis(100);

/// One issuer, served by several hosts.
pub(crate) struct Nodes {
    /// The Credential Issuer Identifier.
    pub(crate) url: String,
    /// The beginning of the addresses of its administration.
    pub(crate) admin: String,
    /// The key of the administration.
    pub(crate) key: String,
    clients: Vec<Client>,
    turn: AtomicUsize,
}

/// Status and JSON of an answer that is no fault of the server.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Attempts before this one whose outcome nobody knows.
    pub(crate) unknown: usize,
}

impl Answer {
    /// A member that is a text; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The code of a refusal.
    pub(crate) fn error(&self) -> &str {
        self.text("error")
    }
}

impl Nodes {
    /// Reads from the issuer's own folder what a caller needs.
    pub(crate) fn new(folder: &str, url: &str, hosts: &[&str]) -> io::Result<Self> {
        // Fails only when there is one already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let read = |name: &str| fs::read_to_string(Path::new(folder).join(name));
        let (authority, key) = (read("tls/ca.pem")?, read("keys/admin.key")?);
        let mut admin = Url::parse(url).map_err(io::Error::other)?;
        let name = admin.host_str().unwrap_or_default().to_owned();
        let port = admin.port_or_known_default().and_then(|port| port.checked_add(1));
        admin.set_port(port).map_err(|()| io::ErrorKind::InvalidInput)?;
        let clients = hosts.iter().map(|host| client(&authority, &name, host));
        Ok(Self {
            url: url.to_owned(),
            admin: admin.as_str().trim_end_matches('/').to_owned(),
            key: key.trim().to_owned(),
            clients: clients.collect::<io::Result<_>>()?,
            turn: AtomicUsize::new(0),
        })
    }

    /// Asks one node after the other until one answers something that is not its own fault.
    pub(crate) async fn ask(
        &self,
        step: Step,
        until: Instant,
        journal: &Journal,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Option<Answer> {
        let mut unknown = 0;
        while Instant::now() < until {
            match self.attempt(&request).await {
                Ok((status, body)) if status < 500 && status != 429 => {
                    return Some(Answer { status, body, unknown });
                }
                Ok((status, body)) => {
                    unknown += usize::from(is_in_doubt(&body));
                    journal.write(&Entry::Error { step, kind: &status.to_string() });
                }
                Err(kind) => {
                    unknown += usize::from(kind != "no connection");
                    journal.write(&Entry::Error { step, kind });
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    async fn attempt(
        &self,
        request: &impl Fn(&Client) -> RequestBuilder,
    ) -> Result<(u16, Value), &'static str> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let client = turn.checked_rem(self.clients.len()).and_then(|at| self.clients.get(at));
        let sent = request(client.ok_or("no node")?).send();
        let answer: Response = sent.await.map_err(|error| kind(&error))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|error| kind(&error))?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// Whether a node says that it lost the database with the step in hand.
fn is_in_doubt(body: &Value) -> bool {
    let texts = ["error_description", "detail"].into_iter();
    let mut told = texts.filter_map(|name| body.get(name).and_then(Value::as_str));
    told.any(|text| text.starts_with("whether this was done is not known"))
}

/// What is known of a request that was not answered.
fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "cut off"
    }
}

/// A client whose requests for this name all go to one host.
fn client(authority: &str, name: &str, host: &str) -> io::Result<Client> {
    let address: IpAddr = host.parse().map_err(io::Error::other)?;
    let trusted = Certificate::from_pem_bundle(authority.as_bytes()).map_err(io::Error::other)?;
    let builder = Client::builder().no_proxy().tls_certs_only(trusted);
    // The port is that of the URL.
    let builder = builder.resolve(name, SocketAddr::new(address, 0));
    builder.timeout(ANSWER).connect_timeout(CONNECT).build().map_err(io::Error::other)
}

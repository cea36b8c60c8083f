//! The admin API as the command line uses it: over the network when a server runs, else in this
//! process on the same database. Both speak the same messages, so every command is written once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use issuer::config::Config;
use issuer::http::admin::admin;
use keys::outside::{Clock as _, SystemClock};
use reqwest::Certificate;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::exit::{Failure, Kind};

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a server may take to take the connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// The title of the problem that is about claims.
const CLAIMS_DO_NOT_FIT: &str = "The claims do not fit";

/// A way to the admin API.
pub(super) struct Api {
    key: String,
    way: Way,
}

enum Way {
    Network { client: reqwest::Client, base: String },
    Process(Router),
}

impl Api {
    /// Looks for a running server and takes the database where there is none.
    pub(super) async fn open(config: Config) -> Result<Self, Failure> {
        let address = config.admin_listen();
        let address = if address.ip().is_unspecified() {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
        } else {
            address
        };
        let is_running = timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await;
        if matches!(is_running, Ok(Ok(_))) {
            let keys = issuer::init::load_keys(&config, SystemClock.now());
            let keys = keys.map_err(Failure::mistake)?;
            let key = keys.admin.expose().to_owned();
            return Ok(Self { key, way: network(&config, address)? });
        }
        let issuer = Arc::new(super::open(config).await?);
        let key = issuer.keys().admin.expose().to_owned();
        Ok(Self { key, way: Way::Process(admin(issuer)) })
    }

    /// Asks, and gives back the JSON of a success; a problem becomes a [`Failure`].
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let (status, answer) = match &self.way {
            Way::Network { client, base } => {
                let (status, answer) =
                    self.over_network(client, base, (method, path), body).await?;
                if status == 401 {
                    return Err(another_issuer(base));
                }
                (status, answer)
            }
            Way::Process(router) => self.in_process(router.clone(), (method, path), body).await?,
        };
        let value: Value = serde_json::from_slice(&answer).unwrap_or_default();
        if (200..300).contains(&status) { Ok(value) } else { Err(problem(status, &value)) }
    }

    async fn over_network(
        &self,
        client: &reqwest::Client,
        base: &str,
        (method, path): (&str, &str),
        body: String,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let method = method.parse().map_err(Failure::own_fault)?;
        let request = client.request(method, format!("{base}{path}")).bearer_auth(&self.key);
        let failed = |error: reqwest::Error| {
            Failure::new(
                Kind::Network,
                "admin_api",
                format!("the admin API did not answer: {error}"),
            )
            .hint("look at the log of `bestow issuer serve`")
        };
        let answer = request.body(body).send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        Ok((status, answer.bytes().await.map_err(failed)?.to_vec()))
    }

    async fn in_process(
        &self,
        router: Router,
        (method, path): (&str, &str),
        body: String,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let authorization = format!("Bearer {}", self.key);
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", authorization).body(Body::from(body));
        let answer = router.oneshot(request.map_err(Failure::own_fault)?).await;
        let answer = answer.map_err(Failure::own_fault)?;
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await;
        Ok((status, bytes.map_err(Failure::own_fault)?.to_vec()))
    }
}

/// TLS where the listener has a certificate, which is then trusted for this connection alone.
fn network(config: &Config, address: SocketAddr) -> Result<Way, Failure> {
    let builder = reqwest::Client::builder().no_proxy();
    let Some(certificate) = &config.admin.certificate else {
        let client = builder.build().map_err(Failure::own_fault)?;
        return Ok(Way::Network { client, base: format!("http://{address}") });
    };
    let pem = std::fs::read(certificate).map_err(|error| {
        Failure::usage(format!("{} cannot be read: {error}", certificate.display()))
    })?;
    let trusted = Certificate::from_pem_bundle(&pem).map_err(|error| {
        Failure::usage(format!("{} is no certificate: {error}", certificate.display()))
    })?;
    let host = config.url.host();
    let client = builder.tls_certs_only(trusted).resolve(&host, address).build();
    let client = client.map_err(Failure::own_fault)?;
    Ok(Way::Network { client, base: format!("https://{host}:{}", address.port()) })
}

/// Whoever listens there has another key: it is not the server of this configuration.
fn another_issuer(base: &str) -> Failure {
    let message = format!("what listens on {base} does not know the admin key of this issuer");
    Failure::new(Kind::Usage, "another_issuer", message)
        .hint("stop it, or change [admin] listen in bestow.toml")
}

fn problem(status: u16, problem: &Value) -> Failure {
    let text = |name: &str| problem[name].as_str().map(str::to_owned);
    let message = text("detail").unwrap_or_else(|| format!("the admin API answered {status}"));
    match status {
        404 => Failure::new(Kind::Usage, "not_found", message),
        422 if text("title").is_some_and(|title| title == CLAIMS_DO_NOT_FIT) => {
            Failure::new(Kind::Usage, "refused", message)
                .hint("`bestow issuer sample CONFIGURATION_ID` prints claims that fit")
        }
        409 => Failure::new(Kind::Refused, "conflict", message),
        502 => Failure::new(Kind::OwnFault, "not_delivered", message),
        400..500 => Failure::new(Kind::Usage, "refused", message),
        _ => Failure::new(Kind::OwnFault, "internal_error", message),
    }
}

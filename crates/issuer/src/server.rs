//! The listeners: TLS, limits against slow peers, reload and graceful end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::task::JoinSet;

use crate::Issuer;
use crate::http::{admin, public};
use crate::store::{PurgeBefore, StoreError};

/// How long a peer may take for a TLS handshake, and for its headers (Q01, Q02).
const HEADERS_TIME_MAX: Duration = Duration::from_secs(10);
/// How often what nobody needs any more is removed.
const PURGE_EVERY: Duration = Duration::from_mins(1);
/// Rows removed in one commit: few, so that nobody waits for it.
const PURGE_ROWS: u32 = 500;

/// One address to listen on.
#[derive(Debug)]
pub struct Listener {
    /// Bound before anything is served, so that an address in use shows at once.
    pub socket: TcpListener,
    /// `None` speaks plain HTTP.
    pub tls: Option<TlsFiles>,
}

/// The certificate of a listener, read again when the operator asks.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// PEM: the certificate, and those above it.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub private_key: PathBuf,
}

/// Listeners that serve; dropping it stops them at once.
#[derive(Debug)]
pub struct Server {
    issuer: Arc<Issuer>,
    handle: Handle<SocketAddr>,
    certificates: Vec<(RustlsConfig, TlsFiles)>,
    listeners: JoinSet<io::Result<()>>,
    purge: JoinSet<()>,
}

impl Server {
    /// Serves wallets and holders on one listener and operators on the other.
    pub async fn start(
        issuer: Arc<Issuer>,
        for_public: Listener,
        for_admin: Listener,
    ) -> io::Result<Self> {
        let mut server = Self {
            issuer: Arc::clone(&issuer),
            handle: Handle::new(),
            certificates: Vec::new(),
            listeners: JoinSet::new(),
            purge: JoinSet::new(),
        };
        server.listen(for_public, public(Arc::clone(&issuer))).await?;
        server.listen(for_admin, admin::admin(Arc::clone(&issuer))).await?;
        server.purge.spawn(purge(issuer));
        Ok(server)
    }

    async fn listen(&mut self, listener: Listener, router: Router) -> io::Result<()> {
        listener.socket.set_nonblocking(true)?;
        let handle = self.handle.clone();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let Some(files) = listener.tls else {
            let mut server = axum_server::from_tcp(listener.socket)?.handle(handle);
            server.http_builder().http1().header_read_timeout(HEADERS_TIME_MAX);
            self.listeners.spawn(server.first_request_timeout(HEADERS_TIME_MAX).serve(service));
            return Ok(());
        };
        let config = RustlsConfig::from_pem_file(&files.certificate, &files.private_key).await?;
        self.certificates.push((config.clone(), files));
        let server = axum_server::from_tcp_rustls(listener.socket, config)?;
        let server = server.map(|acceptor| acceptor.handshake_timeout(HEADERS_TIME_MAX));
        let mut server = server.handle(handle);
        server.http_builder().http1().header_read_timeout(HEADERS_TIME_MAX);
        self.listeners.spawn(server.first_request_timeout(HEADERS_TIME_MAX).serve(service));
        Ok(())
    }

    /// Reads the certificates again; connections that are open keep the old ones.
    pub async fn reload_certificates(&self) -> io::Result<()> {
        for (config, files) in &self.certificates {
            config.reload_from_pem_file(&files.certificate, &files.private_key).await?;
        }
        Ok(())
    }

    /// Takes no new connections, finishes what is in flight, and returns.
    pub async fn stop(mut self) {
        self.issuer.ending.send_replace(true);
        let drain_time = Duration::from_secs(self.issuer.config.server.shutdown_seconds);
        self.handle.graceful_shutdown(Some(drain_time));
        while self.listeners.join_next().await.is_some() {}
    }

    /// Returns when a listener has failed, which it does not do of itself.
    pub async fn failed(&mut self) -> io::Error {
        match self.listeners.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => io::Error::other(error),
            Some(Ok(Ok(()))) | None => io::Error::other("a listener has stopped"),
        }
    }
}

/// Removes what nobody needs any more, in small batches, as long as the server runs.
async fn purge(issuer: Arc<Issuer>) {
    loop {
        tokio::time::sleep(PURGE_EVERY).await;
        if let Err(error) = purge_all(&issuer).await {
            tracing::error!(%error, "could not remove what is old");
        }
    }
}

async fn purge_all(issuer: &Issuer) -> Result<(), StoreError> {
    let now = issuer.clock.now();
    let retention = &issuer.config.retention;
    let before = PurgeBefore {
        now,
        claims: now.minus(u64::from(retention.claims_hours) * 3600),
        applications: now.minus(u64::from(retention.applications_days) * 24 * 3600),
    };
    while issuer.store.purge(&before, PURGE_ROWS).await? >= PURGE_ROWS.into() {
        tokio::task::yield_now().await;
    }
    Ok(())
}

//! The listeners: TLS, limits against slow peers, reload and graceful end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::task::JoinSet;

use crate::connection::Gate;
use crate::http::{admin, public};
use crate::store::{PurgeBefore, StoreError};
use crate::{Issuer, generations};

/// How long a peer may take for a TLS handshake, and for its headers (Q01, Q02).
const HEADERS_TIME_MAX: Duration = Duration::from_secs(10);
/// Files that are no connections of the public listener: the database, the admin listener, the log.
const FILES_RESERVED: usize = 512;
/// Connections of operators and their programs; a flood on the public listener takes none of them.
const ADMIN_CONNECTIONS_MAX: usize = 256;
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
    background: JoinSet<()>,
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
            background: JoinSet::new(),
        };
        let limits = &issuer.config.server;
        let idle_max = Duration::from_secs(limits.idle_seconds);
        let most = connections_max(limits.connections_max);
        let each_max = limits.connections_per_address;
        let gate = Gate::new((most, each_max), &limits.trusted_proxies, idle_max);
        server.listen(for_public, public(Arc::clone(&issuer)), gate).await?;
        let gate = Gate::new((ADMIN_CONNECTIONS_MAX, ADMIN_CONNECTIONS_MAX), &[], idle_max);
        server.listen(for_admin, admin::admin(Arc::clone(&issuer)), gate).await?;
        let node = Arc::clone(&issuer);
        server.background.spawn(async move { node.status_lists.keep_up_to_date(&node).await });
        if issuer.config.status.enabled {
            let node = Arc::clone(&issuer);
            server.background.spawn(async move { node.status_lists.lease_ahead(&node).await });
        }
        let allowed = Duration::from_millis(issuer.config.server.queue_milliseconds);
        let node = Arc::clone(&issuer);
        server.background.spawn(async move {
            if let Err(error) = node.load.watch(allowed).await {
                tracing::error!(%error, "the load is not measured: nobody is refused for it");
            }
        });
        server.background.spawn(generations::keep_up_to_date(Arc::clone(&issuer)));
        server.background.spawn(purge(issuer));
        Ok(server)
    }

    async fn listen(&mut self, listener: Listener, router: Router, gate: Gate) -> io::Result<()> {
        let idle_max = Duration::from_secs(self.issuer.config.server.idle_seconds);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum_server::from_tcp(listener.socket)?.handle(self.handle.clone());
        let Some(files) = listener.tls else {
            self.listeners.spawn(bounded(server.acceptor(gate), idle_max).serve(service));
            return Ok(());
        };
        let config = RustlsConfig::from_pem_file(&files.certificate, &files.private_key).await?;
        self.certificates.push((config.clone(), files));
        let acceptor = RustlsAcceptor::new(config).handshake_timeout(HEADERS_TIME_MAX);
        self.listeners
            .spawn(bounded(server.acceptor(acceptor.acceptor(gate)), idle_max).serve(service));
        Ok(())
    }

    /// Reads the certificates again; connections that are open keep the old ones.
    pub async fn reload_certificates(&self) -> io::Result<()> {
        for (config, files) in &self.certificates {
            config.reload_from_pem_file(&files.certificate, &files.private_key).await?;
        }
        Ok(())
    }

    /// Reads the folder of keys again; when anything in it is wrong, the old keys stay in use.
    pub async fn reload_keys(&self) -> io::Result<()> {
        let issuer = Arc::clone(&self.issuer);
        let reload = tokio::task::spawn_blocking(move || issuer.reload_keys());
        reload.await?.map_err(io::Error::other)?;
        self.issuer.log_keys();
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

/// Bounds the time until a request is whole; tells the log what came to nothing. The library counts
/// the time between two requests to the second one's headers: it is that of a silent connection, and
/// one that sends its headers slowly costs no more than that.
fn bounded<A>(
    mut server: axum_server::Server<SocketAddr, A>,
    idle_max: Duration,
) -> axum_server::Server<SocketAddr, A> {
    server.http_builder().http1().header_read_timeout(idle_max);
    server.first_request_timeout(HEADERS_TIME_MAX).accept_error_handler(tell)
}

/// A connection that could not be taken is our trouble; one that came to nothing is the peer's.
fn tell(peer: Option<&SocketAddr>, error: &io::Error) {
    match peer {
        None => tracing::error!(%error, "a connection could not be accepted"),
        Some(peer) => tracing::debug!(%peer, %error, "a connection came to nothing"),
    }
}

/// As many connections as configured, or as many as this process may have files open.
fn connections_max(configured: usize) -> usize {
    let allowed = open_files_max().saturating_sub(FILES_RESERVED);
    if allowed < configured {
        tracing::warn!(configured, allowed, "fewer connections: the limit of open files is low");
    }
    configured.min(allowed)
}

/// Raises the number of files that this process may have open to the most it is allowed.
#[cfg(unix)]
fn open_files_max() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, current } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let limit = if raised { maximum } else { current };
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn open_files_max() -> usize {
    usize::MAX
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
    let days_ago = |days: u32| now.minus(u64::from(days) * 24 * 3600);
    let before = PurgeBefore {
        now,
        claims: now.minus(u64::from(retention.claims_hours) * 3600),
        applications: days_ago(retention.applications_days),
        offers: days_ago(retention.offers_days),
        // The last day of a credential is a whole one, and it can be revoked then, too.
        issuances: days_ago(retention.issuances_days + 1),
    };
    while issuer.store.purge(&before, PURGE_ROWS).await? >= PURGE_ROWS.into() {
        tokio::task::yield_now().await;
    }
    Ok(())
}

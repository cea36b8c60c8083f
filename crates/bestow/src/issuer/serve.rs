//! `bestow issuer serve`: until somebody asks it to end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use issuer::Issuer;
use issuer::config::{Config, LogFormat, Tls};
use issuer::init::check_tls;
use issuer::issue::signer_warnings;
use issuer::server::{Listener, Server, TlsFiles};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::ConfigFile;
use crate::exit::{Failure, Kind};
use crate::log::{Last, Lines};

/// Serves until SIGTERM or SIGINT; reads certificates and keys again on SIGHUP.
pub(crate) async fn serve(file: &ConfigFile) -> Result<(), Failure> {
    let config = super::load(file)?;
    let _last_lines = log_to_standard_error(&config)?;
    let issuer = Arc::new(super::open(config).await?);
    let of_keys = signer_warnings(&issuer.keys(), &issuer.types, issuer.clock.now());
    for warning in issuer.config.warnings(&issuer.types).into_iter().chain(of_keys) {
        tracing::warn!("{warning}");
    }
    let server = start(&issuer).await?;
    let url = issuer.credential_issuer();
    tracing::info!(url, admin = %issuer.config.admin_listen(), "serving");
    run(server).await
}

/// Binds both listeners and serves in the background.
pub(crate) async fn start(issuer: &Arc<Issuer>) -> Result<Server, Failure> {
    let config = &issuer.config;
    check_tls(config).map_err(Failure::mistake)?;
    let public_tls = (config.server.tls == Tls::Files).then(|| TlsFiles {
        certificate: config.server.certificate.clone(),
        private_key: config.server.private_key.clone(),
    });
    let admin_tls = config.admin.certificate.clone().zip(config.admin.private_key.clone());
    let admin_tls =
        admin_tls.map(|(certificate, private_key)| TlsFiles { certificate, private_key });
    let public = bind(config.listen(), public_tls, "[server] listen")?;
    let admin = bind(config.admin_listen(), admin_tls, "[admin] listen")?;
    Server::start(Arc::clone(issuer), public, admin).await.map_err(|error| {
        Failure::usage(format!("cannot serve: {error}"))
            .hint("check the files of `certificate` and `private_key` in bestow.toml")
    })
}

fn bind(address: SocketAddr, tls: Option<TlsFiles>, key: &str) -> Result<Listener, Failure> {
    let socket = TcpListener::bind(address).map_err(|error| {
        Failure::new(Kind::Usage, "address", format!("cannot listen on {address}: {error}"))
            .hint(format!("stop what listens there, or change {key} in bestow.toml"))
    })?;
    Ok(Listener { socket, tls })
}

async fn run(mut server: Server) -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(Failure::own_fault);
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(&server).await,
            error = server.failed() => return Err(Failure::own_fault(error)),
        }
    }
    tracing::info!("finishing what is in flight");
    server.stop().await;
    tracing::info!("ended");
    Ok(())
}

/// What cannot be read stays as it was.
async fn reload(server: &Server) {
    match server.reload_certificates().await {
        Ok(()) => tracing::info!("certificates read again"),
        Err(error) => tracing::error!(%error, "the old certificates stay in use"),
    }
    if let Err(error) = server.reload_keys().await {
        tracing::error!(%error, "the old keys stay in use");
    }
}

/// One line an event, with the id of its request; `RUST_LOG` narrows it further.
fn log_to_standard_error(config: &Config) -> Result<Last, Failure> {
    let level = config.log.level.name();
    let filter = EnvFilter::builder().parse_lossy(
        std::env::var("RUST_LOG").unwrap_or_else(|_| format!("{level},hyper=warn,rustls=warn")),
    );
    let (writer, last) = Lines::start().map_err(Failure::own_fault)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match config.log.format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.with_ansi(false).init(),
    }
    Ok(last)
}

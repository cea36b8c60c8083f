//! The wallet's own page on loopback: `bestow wallet serve`, and the demonstration.
//!
//! The page is static; what it shows it asks for under `/api`, and only the browser that was given
//! the link with the token gets an answer there ([`gate`]).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use wallet::Wallet;

use self::flows::Flows;
use self::gate::Gate;
use super::Place;
use super::open::{Reach, client_key, open};
use crate::cli::ServeArguments;
use crate::exit::{Failure, Kind};
use crate::terminal::{asked_to_end, print, tell};

mod assets;
mod cards;
mod flows;
mod gate;
mod language;
mod pending;
mod problem;
mod scan;
mod steps;
mod view;

/// Any port of this machine that is free.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Longest JSON that the page sends; a link is the longest part of it.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A page that is being served.
pub(crate) struct Page {
    url: String,
    task: JoinHandle<()>,
}

impl Page {
    /// Where to go, with the token that opens it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    pub(crate) fn stop(self) {
        self.task.abort();
    }
}

/// What the handlers share.
struct Served {
    wallet: Wallet,
    gate: Gate,
    flows: Flows,
    /// One picture at a time: a large one takes memory and a whole core.
    reader: Semaphore,
}

/// Serves the page until somebody ends it: `bestow wallet serve`.
pub(crate) async fn serve(place: &Place, arguments: &ServeArguments) -> Result<(), Failure> {
    let reach = Reach::of(&arguments.reach);
    let mut wallet = open(place, reach, |client| Arc::new(client)).await?;
    wallet.settings.client_id.clone_from(&arguments.client_id);
    wallet.settings.client_key = client_key(&arguments.client_key)?;
    let page = start_on(arguments.listen.unwrap_or(ANY_PORT), wallet).await?;
    print(page.url());
    tell("Open this link in a browser of this machine; it opens once. To end: Ctrl-C.");
    asked_to_end().await?;
    page.stop();
    Ok(())
}

/// Serves the page of a wallet; `certificates` are trusted for TLS and for issuers.
pub(crate) async fn start(place: &Place, certificates: Option<&Path>) -> Result<Page, Failure> {
    let reach = Reach { ca: certificates, trust_anchor: certificates, ..Reach::default() };
    start_on(ANY_PORT, open(place, reach, |client| Arc::new(client)).await?).await
}

/// Binds and serves in the background.
async fn start_on(address: SocketAddr, wallet: Wallet) -> Result<Page, Failure> {
    if !address.ip().is_loopback() {
        return Err(Failure::new(Kind::Usage, "address", format!("{address} is not loopback"))
            .hint("the page is for this machine alone: take 127.0.0.1 and a port"));
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Kind::Usage, "address", format!("cannot listen on {address}: {error}"))
            .hint("take another port, or none: then a free one is found")
    })?;
    let address = listener.local_addr().map_err(Failure::own_fault)?;
    let (gate, token) = Gate::new(address, &*wallet.random);
    let url = format!("http://{address}/#token={}", *token);
    let flows = Flows::default();
    let served = Arc::new(Served { wallet, gate, flows, reader: Semaphore::new(1) });
    let task = tokio::spawn(async move {
        let serving = axum::serve(listener, router(&served)).into_future();
        // What issuers have not heard yet, they hear beside that (VCI §11).
        let (served, _) = tokio::join!(serving, served.wallet.send_notices());
        if let Err(error) = served {
            tracing::error!(%error, "the wallet's page ended");
        }
    });
    Ok(Page { url, task })
}

/// The host is checked for everything, the origin for `/api`, the session for all of that but the
/// way to it.
fn router(served: &Arc<Served>) -> Router {
    let inside = Router::new()
        .route("/scan/text", post(scan::text))
        .route("/scan/picture", post(scan::picture).layer(limit(scan::PICTURE_BYTES_MAX)))
        .route("/scan/frame", post(scan::frame).layer(limit(scan::FRAME_BYTES_MAX)))
        .route("/flows/{id}", get(steps::show).post(steps::go_on).delete(steps::decline))
        .route("/flows/{id}/cards/{number}/picture", get(cards::previewed_picture))
        .route("/pending/{id}", post(pending::ask))
        .route("/cards", get(cards::list))
        .route("/cards/{id}", get(cards::show).delete(cards::delete))
        .route("/cards/{id}/raw", get(cards::raw))
        .route("/cards/{id}/picture", get(cards::picture))
        .route("/cards/{id}/status", post(cards::ask_status))
        .fallback(problem::nothing_here)
        .layer(from_fn_with_state(Arc::clone(served), gate::with_session));
    let api = Router::new()
        .route("/session", post(gate::exchange))
        .merge(inside)
        .layer(from_fn_with_state(Arc::clone(served), gate::same_origin))
        .layer(limit(BODY_BYTES_MAX));
    assets::routes()
        .nest("/api", api)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(from_fn_with_state(Arc::clone(served), gate::own_host))
        .layer(from_fn(assets::headers))
        .with_state(Arc::clone(served))
}

fn limit(bytes_max: usize) -> DefaultBodyLimit {
    DefaultBodyLimit::max(bytes_max)
}

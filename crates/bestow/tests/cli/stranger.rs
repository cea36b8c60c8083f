//! An issuer of another make, which needs time for its credentials; it speaks plain http.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::map_request;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use url::form_urlencoded;

/// The issuer, and the authorization server that it names: another port, and so another origin.
pub(crate) struct Stranger {
    issuer: String,
    server: String,
    asked: Arc<AtomicUsize>,
}

impl Stranger {
    /// Redeems its codes itself.
    pub(crate) async fn start() -> Self {
        let (listener, issuer) = listen().await;
        let server = issuer.clone();
        let routes = issuer_routes(&issuer, &server).merge(server_routes(&server));
        tokio::spawn(axum::serve(listener, routes).into_future());
        Self { issuer, server, asked: Arc::default() }
    }

    /// Has its codes redeemed elsewhere.
    pub(crate) async fn start_with_server() -> Self {
        let ((listener, issuer), (other, server)) = (listen().await, listen().await);
        tokio::spawn(axum::serve(listener, issuer_routes(&issuer, &server)).into_future());
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let routes = server_routes(&server).layer(map_request(move |request: Request| {
            counter.fetch_add(1, Ordering::Relaxed);
            std::future::ready(request)
        }));
        tokio::spawn(axum::serve(other, routes).into_future());
        Self { issuer, server, asked }
    }

    /// The link of an offer by value.
    pub(crate) fn link(&self) -> String {
        let offer = json!({
            "credential_issuer": self.issuer,
            "credential_configuration_ids": ["slow"],
            "grants": {
                "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
                    "pre-authorized_code": "c"
                }
            }
        });
        let offer = offer.to_string();
        let offer: String = form_urlencoded::byte_serialize(offer.as_bytes()).collect();
        format!("openid-credential-offer://?credential_offer={offer}")
    }

    /// Host and port of the authorization server.
    pub(crate) fn server(&self) -> &str {
        self.server.trim_start_matches("http://")
    }

    /// How many requests the other server has got.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn issuer_routes(issuer: &str, server: &str) -> Router {
    let metadata = json!({
        "credential_issuer": issuer,
        "authorization_servers": [server],
        "credential_endpoint": format!("{issuer}/credential"),
        "credential_configurations_supported": { "slow": { "format": "dc+sd-jwt", "vct": "slow" } }
    });
    let later = json!({ "transaction_id": "later", "interval": 3600 });
    Router::new()
        .route("/.well-known/openid-credential-issuer", get(Json(metadata)))
        .route("/credential", post((StatusCode::ACCEPTED, Json(later))))
}

fn server_routes(server: &str) -> Router {
    let metadata = json!({
        "issuer": server,
        "token_endpoint": format!("{server}/token"),
        "pre-authorized_grant_anonymous_access_supported": true
    });
    let token = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 60 });
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(Json(metadata)))
        .route("/token", post(Json(token)))
}

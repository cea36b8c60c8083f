//! The steps, from a scan to a card; one file each, named like the issuer's.

pub mod challenge;
pub mod check;
mod cover;
pub mod credential;
pub mod deferred;
pub mod dialect;
pub mod key;
pub mod metadata;
pub mod nonce;
pub mod notification;
pub mod offer;
mod picture;
pub mod proof;
pub mod receipt;
mod renewal;
mod sender;
pub mod sign_in;
mod signed_metadata;
mod sources;
pub mod state;
mod svg_template;
pub mod token;
mod type_metadata;
mod understand;

use url::Url;

use crate::Wallet;
use crate::error::WalletError;
use crate::http::{Request, Response};

impl Wallet {
    /// Sends a request; a failure names the host, because a person knows hosts.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, WalletError> {
        self.reader().send(request).await
    }
}

/// Host and port, as a person is asked about them.
pub(crate) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

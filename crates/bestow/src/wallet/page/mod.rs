//! The wallet's own page on loopback: `bestow wallet serve`, and the demonstration.

use std::path::Path;

use super::Place;
use crate::exit::Failure;

/// A page that is being served.
pub(crate) struct Page {
    url: String,
}

/// Serves the page of a wallet; `certificates` are trusted for TLS and for issuers.
pub(crate) async fn start(_place: &Place, _certificates: Option<&Path>) -> Result<Page, Failure> {
    Err(Failure::own_fault("the page is being built"))
}

impl Page {
    /// Where to go, with the token that opens it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    pub(crate) fn stop(self) {}
}

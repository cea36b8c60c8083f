//! `bestow wallet did-document`: what a holder publishes on a website of their own.

use std::sync::Arc;

use keys::algorithm::Algorithm;
use keys::did::{did_web_document, website_of};
use keys::outside::{SystemClock, SystemRandom};
use oid4vci::proof::BindingMethod;
use wallet::error::WalletError;
use wallet::http::NoNetwork;
use wallet::store::KeyId;
use wallet::{Settings, Wallet};

use super::Place;
use super::receive::told;
use crate::exit::Failure;
use crate::terminal::{print_json, tell};

/// Standard output has the document and nothing else, so that it can go into a file.
pub(super) async fn did_document(
    place: &Place,
    did: &str,
    (given, algorithm): (&[String], Algorithm),
) -> Result<(), Failure> {
    let wallet = Wallet {
        http: Arc::new(NoNetwork),
        store: place.open().await?,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        settings: Settings::default(),
    };
    let failed = |error: WalletError| told(&error);
    let mut ids: Vec<KeyId> = given.iter().map(|id| KeyId::new(id.as_str())).collect();
    if ids.is_empty() {
        let made = wallet.make_key(algorithm, BindingMethod::DidWeb).await.map_err(failed)?;
        ids.push(made.id);
    }
    let document = wallet.did_document(did, &ids).await.map_err(failed)?;
    print_json(&document)?;
    if let Some(website) = website_of(did) {
        tell(format!("Publish this at {}", did_web_document(&website)));
    }
    for id in &ids {
        tell(format!("then: bestow wallet receive OFFER --did-web {did} --key={id}"));
    }
    Ok(())
}

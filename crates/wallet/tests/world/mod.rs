//! An issuer that says whatever a test wants, and a wallet that talks to it without a network.
#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

pub(crate) mod draft;
mod issuer;
mod memory;
mod network;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use issuer::*;
use keys::outside::{Clock, SystemRandom, Timestamp};
use keys::signer::Signer as _;
use keys::x509::Anchors;
use memory::Memory;
pub(crate) use network::*;
use serde_json::{Value, json};
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::receipt::Received;
use wallet::flow::token::Authorized;
use wallet::http::Http;
use wallet::store::{Store, StoredCredential};
use wallet::{Settings, Wallet, error::WalletError};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000);
pub(crate) const ISSUER: &str = "https://issuer.example/a";
pub(crate) const CODE: &str = "code-canary-51c9";
pub(crate) const TOKEN: &str = "token-canary-77ab";

/// A clock that stands still until a test moves it.
#[derive(Debug, Default)]
pub(crate) struct Moved(AtomicU64);

impl Moved {
    /// So many seconds after the beginning.
    pub(crate) fn to(&self, seconds: u64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        NOW.plus(self.0.load(Ordering::Relaxed))
    }
}

/// Wallet, issuer and the network between them.
pub(crate) struct World {
    pub(crate) network: Arc<Network>,
    pub(crate) store: Arc<Memory>,
    pub(crate) wallet: Wallet,
    pub(crate) issuer: Arc<SigningKey>,
    pub(crate) clock: Arc<Moved>,
}

impl World {
    /// An honest issuer, whose CA the wallet trusts.
    pub(crate) fn new() -> Self {
        let issuer = Arc::new(SigningKey::new(NOW, ISSUER));
        let network = Arc::new(Network::default());
        let store = Arc::new(Memory::default());
        let clock = Arc::new(Moved::default());
        let anchors = Anchors::from_pem(issuer.ca.certificate_pem()).unwrap();
        let wallet = Wallet {
            http: Arc::clone(&network) as Arc<dyn Http>,
            store: Arc::clone(&store) as Arc<dyn Store>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(SystemRandom),
            settings: Settings { anchors: Some(Arc::new(anchors)), ..Settings::default() },
        };
        let world = Self { network, store, wallet, issuer, clock };
        world.open();
        world
    }

    fn open(&self) {
        let network = &self.network;
        network.says(ISSUER_METADATA, 200, issuer_metadata());
        network.says(SERVER_METADATA, 200, server_metadata());
        network.says(ISSUER_KEYS, 200, published(self.issuer.key.public_key()));
        network.says(&endpoint("token"), 200, token());
        network.says(&endpoint("nonce"), 200, json!({ "c_nonce": "nonce-1" }));
        self.issues(|issuer, proof| issuer.student_card(&proof.cnf(), |_, _| {}));
    }

    /// What the Credential Endpoint makes of a proof.
    pub(crate) fn issues(
        &self,
        make: impl Fn(&SigningKey, &Proof) -> Value + Send + Sync + 'static,
    ) {
        let issuer = Arc::clone(&self.issuer);
        self.network
            .on(&endpoint("credential"), move |sent| issued(&make(&issuer, &Proof::of(sent))));
    }

    /// What the Credential Endpoint answers to any request.
    pub(crate) fn answers_credential(&self, status: u16, value: Value) {
        self.network.says(&endpoint("credential"), status, value);
    }

    pub(crate) async fn resolve(&self, offer: &Value) -> Result<ResolvedOffer, WalletError> {
        let scanned = ScannedOffer::scan(&link(offer))?;
        let consent = Consent::to(scanned.host());
        self.resolve_with(scanned, &consent).await
    }

    pub(crate) async fn resolve_with(
        &self,
        scanned: ScannedOffer,
        consent: &Consent,
    ) -> Result<ResolvedOffer, WalletError> {
        let fetched = self.wallet.fetch_offer(scanned, consent).await?;
        let described = self.wallet.describe_offer(fetched, consent).await?;
        self.wallet.resolve_offer(described, consent).await
    }

    pub(crate) async fn authorize(&self, ids: &[&str]) -> Authorized {
        let offer = self.resolve(&offer(ids)).await.unwrap();
        self.wallet.request_token(offer, None).await.unwrap()
    }

    pub(crate) async fn receive(&self, id: &str, wish: &KeyWish) -> Result<Received, WalletError> {
        let authorized = self.authorize(&[id]).await;
        self.wallet.request_credentials(&authorized, wish).await
    }

    pub(crate) fn stored(&self) -> Vec<StoredCredential> {
        self.store.credentials.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn stored_keys(&self) -> usize {
        self.store.keys.lock().unwrap().len()
    }
}

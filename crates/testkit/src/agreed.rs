//! Steps 5 and 6 as our Wallet takes them, for tests of what comes after.

use wallet::Wallet;
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::store::StoredCredential;

/// The holder scans an offer, agrees to its host, and the wallet learns what it is of.
pub async fn resolve(wallet: &Wallet, uri: &str) -> Result<ResolvedOffer, WalletError> {
    let scanned = ScannedOffer::scan(uri)?;
    let consent = Consent::to(scanned.host());
    let fetched = wallet.fetch_offer(scanned, &consent).await?;
    let described = wallet.describe_offer(fetched, &consent).await?;
    wallet.resolve_offer(described, &consent).await
}

/// The holder takes an offer without a transaction code, and keeps all that comes.
pub async fn receive(wallet: &Wallet, uri: &str, wish: &KeyWish) -> Vec<StoredCredential> {
    let resolved = resolve(wallet, uri).await.unwrap();
    let authorized = wallet.request_token(resolved, None).await.unwrap();
    let received = wallet.request_credentials(&authorized, wish).await.unwrap();
    assert!(received.failures().is_empty(), "{:?}", received.failures());
    wallet.keep(&received).await.unwrap()
}

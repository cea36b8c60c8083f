//! Offers of other people, so that a database is as full as it would be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use issuer::Issuer;
use issuer::store::{NewOffer, StoreError};
use keys::outside::{Clock as _, Random as _, SystemClock, SystemRandom, Timestamp};
use oid4vci::grant::Grant;
use oid4vci::offer::OfferId;
use oid4vci::secret::SecretDigest;
use serde_json::{Map, json};
use tokio::task::JoinSet;

use crate::exit::Failure;
use crate::terminal::tell;

/// Steps that wait for a commit together.
const TOGETHER: usize = 256;
/// All of them are open for so long: nothing is cleaned up while we measure.
const LIFETIME_SECONDS: u64 = 30 * 24 * 3600;
/// They were made during the last day.
const SPREAD_SECONDS: u64 = 24 * 3600;
/// How often the person who waits is told how far it is.
const TOLD_EVERY: u64 = 1_000_000;

/// Records so many open offers, in the order of their time.
pub(super) async fn store_offers(issuer: Issuer, count: u64) -> Result<(), Failure> {
    let now = SystemClock.now();
    let (issuer, next) = (Arc::new(issuer), Arc::new(AtomicU64::new(0)));
    let mut running = JoinSet::new();
    for _ in 0..TOGETHER {
        running.spawn(store(Arc::clone(&issuer), Arc::clone(&next), count, now));
    }
    while let Some(stored) = running.join_next().await {
        stored.map_err(Failure::own_fault)?.map_err(Failure::own_fault)?;
    }
    Ok(())
}

async fn store(
    issuer: Arc<Issuer>,
    next: Arc<AtomicU64>,
    count: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        if number > 0 && number.is_multiple_of(TOLD_EVERY) {
            tell(format!("{number} of {count} offers are stored"));
        }
        let done = u128::from(number) * u128::from(SPREAD_SECONDS) / u128::from(count);
        let age = SPREAD_SECONDS.saturating_sub(u64::try_from(done).unwrap_or_default());
        issuer.store.open_offer(offer(now.minus(age), now)).await?;
    }
}

/// Nobody knows its code, and its claims are few.
fn offer(created_at: Timestamp, now: Timestamp) -> NewOffer {
    let claims = json!({
        "given_name": "Erika",
        "family_name": "Mustermann",
        "birth_date": "2003-08-12",
        "student_id": "20260815",
    });
    NewOffer {
        grant: Grant::fresh(
            OfferId::fresh(created_at, &SystemRandom),
            vec!["student_card".to_owned()],
            (created_at, now.plus(LIFETIME_SECONDS)),
            (digest(), digest()),
        ),
        datasets: Map::from_iter([("student_card".to_owned(), claims)]),
        idempotency: None,
        application: None,
        issuer_state: None,
        for_account: None,
    }
}

/// Of a secret that nobody has.
fn digest() -> SecretDigest {
    let mut digest = [0; 32];
    SystemRandom.fill(&mut digest);
    SecretDigest(digest)
}

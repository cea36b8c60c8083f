//! How often one account may be tried (RFC 6749 §10.10): whoever guesses from many addresses gets no
//! further than from one. Memory stays bounded, as tries that are long ago are forgotten.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use keys::digest::sha256;

use super::trouble::Trouble;

/// After so many checks the accounts that have calmed down are forgotten.
const SWEEP_EVERY: u32 = 1024;

/// A limit for each account, and for each name that is none.
pub(super) struct AccountLimit {
    limiter: DefaultKeyedRateLimiter<[u8; 32]>,
    checks: AtomicU32,
}

impl AccountLimit {
    /// So many at once, refilled within an hour.
    pub(super) fn per_hour(most: u32) -> Self {
        let most = NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::keyed(Quota::per_hour(most));
        Self { limiter, checks: AtomicU32::new(0) }
    }

    /// Counts one try.
    pub(super) fn check(&self, account: &str) -> Result<(), Trouble> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(&sha256(account.trim().as_bytes())).map_err(|until| {
            let wait = until.wait_time_from(self.limiter.clock().now());
            Trouble::TooMany(wait.as_secs() + 1)
        })
    }
}

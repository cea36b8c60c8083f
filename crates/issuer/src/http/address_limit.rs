//! How much one address may ask for; what was too much heals by itself (P08).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::network::network;

/// After so many checks the addresses that have calmed down are forgotten.
const SWEEP_EVERY: u32 = 1024;
/// With more addresses than this, neighbours share one limit: memory stays bounded, and whoever has
/// many addresses mostly meets limits of its own network.
const ADDRESSES_MAX: usize = 50_000;

/// A limit for each address.
pub(in crate::http) struct AddressLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    checks: AtomicU32,
    crowded: AtomicBool,
}

/// So many seconds, and the address may ask again.
pub(in crate::http) struct WaitSeconds(pub(super) u64);

impl AddressLimit {
    /// So many at once, refilled within a minute.
    pub(in crate::http) fn per_minute(most: u32) -> Self {
        Self::of(Quota::per_minute(at_least_one(most)))
    }

    /// So many at once, refilled within an hour.
    pub(in crate::http) fn per_hour(most: u32) -> Self {
        Self::of(Quota::per_hour(at_least_one(most)))
    }

    fn of(quota: Quota) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota),
            checks: AtomicU32::new(0),
            crowded: AtomicBool::new(false),
        }
    }

    /// Counts one request.
    pub(in crate::http) fn check(&self, address: IpAddr) -> Result<(), WaitSeconds> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.sweep();
        }
        let network = network(address, self.crowded.load(Ordering::Relaxed));
        self.limiter.check_key(&network).map_err(|until| {
            let wait = until.wait_time_from(self.limiter.clock().now());
            WaitSeconds(wait.as_secs() + 1)
        })
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        self.crowded.store(self.limiter.len() > ADDRESSES_MAX, Ordering::Relaxed);
    }
}

fn at_least_one(most: u32) -> NonZeroU32 {
    NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn addresses_do_not_pile_up() {
        let limit = AddressLimit::per_minute(1);
        for address in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 2 * SWEEP_EVERY {
            assert!(limit.check(Ipv4Addr::from_bits(address).into()).is_ok() || address > 50_000);
        }
        assert!(limit.limiter.len() <= ADDRESSES_MAX + 2 * SWEEP_EVERY as usize);
        assert!(limit.crowded.load(Ordering::Relaxed));
    }
}

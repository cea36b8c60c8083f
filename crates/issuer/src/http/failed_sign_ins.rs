//! How often a sign-in may fail (RFC 6749 §10.10): for each address, and for each account, so that
//! whoever guesses from many addresses gets no further than from one. Who succeeds is not counted: a
//! whole school may sit behind one address. A browser in which the account was signed in with before
//! is counted by itself: strangers cannot lock its owner out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keys::digest::sha256;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address_limit::WaitSeconds;
use crate::network::network;

/// After so long failures are forgotten.
const WINDOW: Duration = Duration::from_hours(1);
/// Most addresses and accounts that are remembered; one more drops what comes first.
const REMEMBERED_MAX: usize = 50_000;

/// What failures are counted for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// Of IPv6, a network.
    Address(IpAddr),
    /// Also a name that is none.
    Account([u8; 32]),
    /// One that its account has signed in with, instead of the account.
    Browser([u8; 32]),
}

impl Who {
    /// Both that a try is counted for.
    pub(super) fn of(address: IpAddr, account: &str, browser: Option<[u8; 32]>) -> [Self; 2] {
        let account = || Self::Account(sha256(account.trim().as_bytes()));
        [Self::Address(network(address, false)), browser.map_or_else(account, Self::Browser)]
    }
}

/// Passwords that are hashed at once; 19 MiB each.
const HASHING_MAX: usize = 4;

/// Tries to sign in, wherever a person types a password: on our page, or in a wallet of the
/// operator's own.
pub(super) struct SignInTries {
    failed: FailedSignIns,
    /// Hashing a password takes memory and time: so many at once.
    hashing: Arc<Semaphore>,
}

/// One try.
pub(super) struct Try<'t> {
    who: [Who; 2],
    failed: &'t FailedSignIns,
}

impl Try<'_> {
    /// It failed.
    pub(super) fn note_failure(&self) {
        self.failed.note(&self.who);
    }
}

impl SignInTries {
    pub(super) fn at_most(failed_per_hour: u32) -> Self {
        let failed = FailedSignIns::at_most(failed_per_hour);
        Self { failed, hashing: Arc::new(Semaphore::new(HASHING_MAX)) }
    }

    /// Waits for the turn of one try; whoever has failed too often gets none. What is refused while
    /// others try is refused for good reason: the check comes after the wait.
    pub(super) async fn turn(
        &self,
        who: [Who; 2],
    ) -> Result<(Try<'_>, Option<OwnedSemaphorePermit>), WaitSeconds> {
        // Nobody closes it: then there would be no end of hashing, and still a limit.
        let turn = Arc::clone(&self.hashing).acquire_owned().await.ok();
        self.failed.check(&who)?;
        Ok((Try { who, failed: &self.failed }, turn))
    }
}

/// Failures of the last hour.
struct FailedSignIns {
    most: u32,
    failures: Mutex<HashMap<Who, Failures>>,
}

struct Failures {
    count: u32,
    since: Instant,
}

impl FailedSignIns {
    /// So many in an hour.
    fn at_most(most: u32) -> Self {
        Self { most, failures: Mutex::default() }
    }

    /// Refuses whoever has failed too often.
    fn check(&self, who: &[Who]) -> Result<(), WaitSeconds> {
        let failures = self.lock();
        for one in who.iter().filter_map(|who| failures.get(who)) {
            let left = WINDOW.saturating_sub(one.since.elapsed());
            if one.count >= self.most && !left.is_zero() {
                return Err(WaitSeconds(left.as_secs() + 1));
            }
        }
        Ok(())
    }

    /// Counts one failure.
    fn note(&self, who: &[Who]) {
        let mut failures = self.lock();
        if failures.len() + who.len() > REMEMBERED_MAX {
            failures.retain(|_, one| one.since.elapsed() < WINDOW);
        }
        for who in who {
            if failures.len() >= REMEMBERED_MAX
                && !failures.contains_key(who)
                && let Some(first) = failures.keys().next().copied()
            {
                failures.remove(&first);
            }
            let fresh = || Failures { count: 0, since: Instant::now() };
            let one = failures.entry(*who).or_insert_with(fresh);
            if one.since.elapsed() >= WINDOW {
                *one = fresh();
            }
            one.count = one.count.saturating_add(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn who_fails_too_often_waits_and_nobody_else() {
        let limit = FailedSignIns::at_most(2);
        let ada = |last| Who::of(Ipv4Addr::new(192, 0, 2, last).into(), "ada", None);
        for last in 1..=2 {
            assert!(limit.check(&ada(last)).is_ok());
            limit.note(&ada(last));
        }
        assert!(limit.check(&ada(3)).is_err(), "from another address");
        let at =
            |last, name, browser| Who::of(Ipv4Addr::new(192, 0, 2, last).into(), name, browser);
        let known = at(3, "ada", Some([1; 32]));
        assert!(limit.check(&known).is_ok(), "strangers do not lock her out");
        assert!(limit.check(&at(1, "bob", None)).is_ok());
        limit.note(&at(1, "bob", None));
        assert!(limit.check(&at(1, "eve", None)).is_err());
        assert!(limit.check(&at(9, "eve", None)).is_ok());
        limit.note(&known);
        limit.note(&known);
        assert!(limit.check(&at(4, "ada", Some([1; 32]))).is_err(), "a stolen cookie helps little");
        assert!(limit.check(&at(4, "ada", Some([2; 32]))).is_ok());
    }
}

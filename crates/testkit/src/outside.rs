//! Time and randomness that a test has in its hand.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use keys::digest::sha256;
use keys::outside::{Clock, Random, Timestamp};

/// A clock that goes on only when the test says so.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// Stands at 2026-11-23T12:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_795_435_200)))
    }

    /// Stands there.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(now.0)))
    }

    /// Goes on.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// The same numbers again at every run, and never the same twice in one.
#[derive(Clone, Debug)]
pub struct TestRandom(Arc<Mutex<u64>>);

impl TestRandom {
    /// Begins where `seed` says.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed << 32)))
    }
}

impl Random for TestRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut count = self.0.lock().unwrap();
        for chunk in bytes.chunks_mut(32) {
            *count += 1;
            let block = sha256(&count.to_be_bytes());
            let (front, _) = block.split_at(chunk.len());
            chunk.copy_from_slice(front);
        }
    }
}

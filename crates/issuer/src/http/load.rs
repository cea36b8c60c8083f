//! Whether there is more to do than can be done soon (Q04).
//!
//! Requests that wait for a processor are not seen by any handler, so none can count them. What is
//! measured instead is how long a byte waits that goes the same way as they do: over a socket, the
//! runtime's poll, and its queue of tasks. While that is too long, a part of what begins is refused:
//! the longer the wait, the more of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Time between two samples; under load the wait itself comes on top.
const SAMPLE_EVERY: Duration = Duration::from_millis(25);
/// What a sample counts beside those before it: a machine that only stumbled refuses nobody.
const WEIGHT: f64 = 0.25;
/// All that begins, as a share.
const ALL: u32 = 1 << 16;
/// Something always begins: or else nobody would notice that there is time again.
const REFUSED_MAX: u32 = ALL / 16 * 15;
/// Those who are refused come back spread over so many seconds, not as the wave they were.
const RETRY_SPREAD_SECONDS: u32 = 4;

/// What share of what begins is refused.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// In parts of `ALL`.
    refused: AtomicU32,
    /// Adds up the share at every request; whenever it passes a whole, one is refused.
    turn: AtomicU32,
}

impl Load {
    /// Whether one more thing may begin now; if not, after how many seconds it may try again.
    pub(crate) fn begin(&self) -> Result<(), u64> {
        let refused = self.refused.load(Ordering::Relaxed);
        if refused == 0 {
            return Ok(()); // mostly: nothing is written that other threads read
        }
        let before = self.turn.fetch_add(refused, Ordering::Relaxed);
        let (wholes, after) = (before / ALL, before.wrapping_add(refused) / ALL);
        if wholes == after { Ok(()) } else { Err(u64::from(1 + after % RETRY_SPREAD_SECONDS)) }
    }

    /// Refuses nothing while requests wait `allowed` or less, half when they wait twice as long.
    fn set(&self, waited: f64, allowed: f64) {
        let share = (waited / allowed - 1.0) / 2.0 * f64::from(ALL);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let refused = share.clamp(0.0, f64::from(REFUSED_MAX)) as u32;
        self.refused.store(refused, Ordering::Relaxed);
    }

    /// Measures as long as the server runs.
    #[cfg(unix)]
    pub(crate) async fn watch(&self, allowed: Duration) -> std::io::Result<()> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut sent, mut received) = tokio::net::UnixStream::pair()?;
        let mut waited = 0.0;
        loop {
            tokio::time::sleep(SAMPLE_EVERY).await;
            let begun = std::time::Instant::now();
            // It waits before the byte is there, as a connection does: else it would be read at once.
            tokio::try_join!(biased; received.read_u8(), sent.write_u8(0))?;
            waited += WEIGHT * (begun.elapsed().as_secs_f64() - waited);
            self.set(waited, allowed.as_secs_f64());
        }
    }

    /// Where there are no such sockets, `requests_at_once` alone bounds what is taken.
    #[cfg(not(unix))]
    pub(crate) async fn watch(&self, _: Duration) -> std::io::Result<()> {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun_of_a_thousand(load: &Load) -> usize {
        (0..1000).filter(|_| load.begin().is_ok()).count()
    }

    /// Q04: what begins is refused in part, and those who are refused come back one after the other.
    #[test]
    fn the_longer_requests_wait_the_fewer_begin() {
        let load = Load::default();
        for (waited, begun) in [(0.0, 1000), (1.0, 1000), (1.5, 750), (2.0, 500), (9.0, 62)] {
            load.set(waited, 1.0);
            let seen = begun_of_a_thousand(&load);
            assert!(seen.abs_diff(begun) <= 1, "{waited}: {seen}");
        }
        let mut again: Vec<_> = (0..100).filter_map(|_| load.begin().err()).collect();
        again.sort_unstable();
        again.dedup();
        assert_eq!(again, [1, 2, 3, 4]);
    }

    /// A processor that is kept busy is seen, and that it is free again.
    #[cfg(unix)]
    #[tokio::test]
    async fn work_that_piles_up_is_noticed() {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        let load = Arc::new(Load::default());
        let watching = Arc::clone(&load);
        tokio::spawn(async move { watching.watch(Duration::from_millis(5)).await });
        let is_over = Arc::new(AtomicBool::new(false));
        for _ in 0..20 {
            let is_over = Arc::clone(&is_over);
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1)); // holds the only thread
                    tokio::task::yield_now().await;
                }
            });
        }
        let becomes = async |expected: fn(usize) -> bool| {
            while !expected(begun_of_a_thousand(&load)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, becomes(|begun| begun < 300)).await.unwrap();
        is_over.store(true, Ordering::Relaxed);
        tokio::time::timeout(patience, becomes(|begun| begun == 1000)).await.unwrap();
    }
}

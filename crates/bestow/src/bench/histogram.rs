//! Times counted in buckets that grow with the time: bounded memory, and an error below 2 %.

use std::time::Duration;

/// Buckets for each doubling.
const PARTS: u32 = 64;
/// Doublings from one microsecond on: the last bucket begins after more than an hour.
const DOUBLINGS: u32 = 27;

/// How often something took how long.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u32>,
    count: u64,
    longest: Duration,
}

impl Histogram {
    pub(super) fn new() -> Self {
        let buckets = usize::try_from(PARTS * DOUBLINGS).unwrap_or_default();
        Self { counts: vec![0; buckets], count: 0, longest: Duration::ZERO }
    }

    pub(super) fn add(&mut self, time: Duration) {
        let last = self.counts.len().saturating_sub(1);
        if let Some(count) = self.counts.get_mut(bucket(time).min(last)) {
            *count = count.saturating_add(1);
        }
        self.count += 1;
        self.longest = self.longest.max(time);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn longest(&self) -> Duration {
        self.longest
    }

    /// The time that so many of a hundred did not exceed.
    pub(super) fn percentile(&self, percent: u64) -> Duration {
        let wanted = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in (0..).zip(&self.counts) {
            seen += u64::from(*count);
            if seen >= wanted {
                return upper_bound(bucket).min(self.longest);
            }
        }
        self.longest
    }
}

/// Below [`PARTS`] microseconds each has a bucket; above, each doubling has [`PARTS`] of them.
fn bucket(time: Duration) -> usize {
    let microseconds = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    let doublings = (microseconds / PARTS).checked_ilog2().map_or(0, |whole| whole + 1);
    let within = microseconds >> doublings.saturating_sub(1);
    let first = if doublings == 0 { 0 } else { (doublings - 1) * PARTS };
    usize::try_from(first + within).unwrap_or(usize::MAX)
}

fn upper_bound(bucket: u32) -> Duration {
    let doublings = (bucket / PARTS).saturating_sub(1);
    let within = u64::from(bucket - doublings * PARTS);
    Duration::from_micros(((within + 1) << doublings) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_two_percent() {
        let mut histogram = Histogram::new();
        for microseconds in 1..=100_000 {
            histogram.add(Duration::from_micros(microseconds));
        }
        for percent in [1_u32, 50, 95, 99, 100] {
            let found = histogram.percentile(percent.into()).as_secs_f64() * 1e6;
            let exact = f64::from(percent) * 1000.0;
            assert!((found / exact - 1.0).abs() < 0.02, "p{percent}: {found}");
        }
        assert_eq!(histogram.longest(), Duration::from_millis(100));
    }

    #[test]
    fn a_bucket_ends_where_the_next_begins() {
        for time in [0, 1, 63, 64, 127, 128, 255, 256, 1000, 65_535, 1 << 30] {
            let bound = upper_bound(u32::try_from(bucket(Duration::from_micros(time))).unwrap());
            assert!(bound >= Duration::from_micros(time), "{time}");
            assert!(bucket(bound) + 1 == bucket(bound + Duration::from_micros(1)), "{time}");
        }
    }

    #[test]
    fn what_takes_longer_than_the_last_bucket_counts_too() {
        let mut histogram = Histogram::new();
        histogram.add(Duration::from_secs(100_000));
        assert!(histogram.percentile(50) > Duration::from_hours(1));
        assert_eq!(histogram.longest(), Duration::from_secs(100_000));
    }

    #[test]
    fn two_are_added() {
        let (mut one, mut other) = (Histogram::new(), Histogram::new());
        one.add(Duration::from_millis(1));
        other.add(Duration::from_millis(3));
        one.merge(&other);
        assert_eq!((one.count(), one.longest()), (2, Duration::from_millis(3)));
    }
}

//! What comes from outside: time and randomness. The binary hands in the system's, a test its own.

use std::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The last second that a date of four digits can name: 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// So many seconds later, at most [`u64::MAX`].
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// So many seconds earlier, at least the epoch.
    #[must_use]
    pub const fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// As `2026-11-23T22:32:00Z` (RFC 3339 §5.6); what lies behind [`Self::MAX`] is written as it.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.date_time().format(&Rfc3339).unwrap_or_default()
    }

    /// Reads RFC 3339 §5.6 in any time zone and drops fractions; `None` before the epoch.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(parsed.unix_timestamp()).ok().map(Self)
    }

    /// The day in UTC, as `2026-11-23`.
    #[must_use]
    pub fn to_date(self) -> String {
        self.date_time().date().to_string()
    }

    /// For the libraries of dates.
    #[must_use]
    pub fn date_time(self) -> OffsetDateTime {
        let seconds = i64::try_from(self.min(Self::MAX).0).unwrap_or_default();
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// The present second.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes that nobody can foretell.
pub trait Random: Debug + Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }
}

/// The machine's source of randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// A machine without randomness must not go on: every secret would be known to everybody.
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

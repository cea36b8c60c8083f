//! What is counted: times of steps, and errors by kind.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::histogram::Histogram;
use super::trouble::Trouble;

/// Kinds of errors that are told apart; what comes after is counted as one.
const KINDS_MAX: usize = 64;

/// What has a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Steps 1-3: an offer is made.
    Offer,
    /// Step 5: an offer by reference is read.
    Fetch,
    /// Steps 8-11
    Token,
    /// Step 11a
    Nonce,
    /// Steps 13-18
    Credential,
    /// All of it.
    Flow,
}

impl Step {
    pub(super) const ALL: [Self; 6] =
        [Self::Offer, Self::Fetch, Self::Token, Self::Nonce, Self::Credential, Self::Flow];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Fetch => "fetch",
            Self::Token => "token",
            Self::Nonce => "nonce",
            Self::Credential => "credential",
            Self::Flow => "flow",
        }
    }
}

/// The times of one flow.
pub(super) struct Laps {
    begun: Instant,
    last: Instant,
    times: [Option<Duration>; Step::ALL.len()],
}

impl Laps {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, times: [None; Step::ALL.len()] }
    }

    /// The time since the last call belongs to this step.
    pub(super) fn end(&mut self, step: Step) {
        let now = Instant::now();
        self.set(step, now - self.last);
        self.last = now;
    }

    /// The time since the last call belongs to no step.
    pub(super) fn skip(&mut self) {
        self.last = Instant::now();
    }

    /// The flow ended with the last step.
    pub(super) fn finish(&mut self) {
        self.set(Step::Flow, self.last - self.begun);
    }

    fn set(&mut self, step: Step, time: Duration) {
        for (place, known) in Step::ALL.into_iter().zip(&mut self.times) {
            if place == step {
                *known = Some(time);
            }
        }
    }
}

/// Everything that was counted.
pub(super) struct Tally {
    times: Vec<Histogram>,
    errors: BTreeMap<(Step, String), Errors>,
}

/// Errors of one kind at one step.
#[derive(Clone)]
pub(super) struct Errors {
    pub(super) count: u64,
    /// The first of them.
    pub(super) example: String,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { times: vec![Histogram::new(); Step::ALL.len()], errors: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, laps: &Laps) {
        for (histogram, time) in self.times.iter_mut().zip(laps.times) {
            if let Some(time) = time {
                histogram.add(time);
            }
        }
    }

    pub(super) fn fail(&mut self, step: Step, trouble: Trouble) {
        let Trouble { kind, example, .. } = trouble;
        let is_new = !self.errors.contains_key(&(step, kind.clone()));
        let kind =
            if is_new && self.errors.len() >= KINDS_MAX { "others".to_owned() } else { kind };
        let errors = self.errors.entry((step, kind));
        errors.or_insert(Errors { count: 0, example }).count += 1;
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (histogram, more) in self.times.iter_mut().zip(&other.times) {
            histogram.merge(more);
        }
        for (kind, errors) in other.errors {
            let known = self.errors.entry(kind);
            known.or_insert(Errors { count: 0, example: errors.example }).count += errors.count;
        }
    }

    /// Each step with its times, where it was taken at all.
    pub(super) fn times(&self) -> impl Iterator<Item = (Step, &Histogram)> {
        Step::ALL.into_iter().zip(&self.times).filter(|(_, times)| times.count() > 0)
    }

    /// Flows that ended with a credential.
    pub(super) fn flows(&self) -> u64 {
        self.times.last().map_or(0, Histogram::count)
    }

    pub(super) const fn errors(&self) -> &BTreeMap<(Step, String), Errors> {
        &self.errors
    }
}

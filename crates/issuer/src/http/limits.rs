//! How much a listener takes: requests at once, time for one, failures of one address (Q04, P08).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::response::IntoResponse;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address_limit::AddressLimit;
use crate::config::Server;
use crate::failure::RETRY_AFTER_SECONDS;
use crate::network::network;

/// Addresses that wait, at most: with more, the first to be free again is forgotten.
const WAITING_MAX: usize = 50_000;

/// The limits of one listener.
pub(super) struct Limits {
    at_once: Arc<Semaphore>,
    /// How long one request may take.
    pub(super) patience: Duration,
    failures: AddressLimit,
    waiting: Mutex<HashMap<IpAddr, Instant>>,
    /// Whether anybody waits: nobody does, mostly, and then nothing is locked.
    any_waits: AtomicBool,
}

/// Why a request is not looked at.
pub(super) enum Excess {
    /// More requests than can be worked on: nobody's fault. So many seconds, and there may be room.
    Busy(u64),
    /// The address has failed too often; so many seconds, and it may try again.
    Failures(u64),
}

impl Limits {
    pub(super) fn of(server: &Server) -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(server.requests_at_once)),
            patience: Duration::from_secs(server.request_seconds),
            failures: AddressLimit::per_minute(server.failures_per_minute),
            waiting: Mutex::default(),
            any_waits: AtomicBool::new(false),
        }
    }

    /// Lets a request in for which there is room, or says at once why not; what is returned is held
    /// until the answer.
    pub(super) fn admit(
        &self,
        address: Option<IpAddr>,
        room: Result<(), u64>,
    ) -> Result<OwnedSemaphorePermit, Excess> {
        if let Some(address) = address
            && let Some(seconds) = self.waits(network(address, false))
        {
            return Err(Excess::Failures(seconds));
        }
        room.map_err(Excess::Busy)?;
        let place = Arc::clone(&self.at_once).try_acquire_owned();
        place.map_err(|_| Excess::Busy(RETRY_AFTER_SECONDS))
    }

    /// Counts an answer that says no: who succeeds is never slowed down.
    pub(super) fn note(&self, address: Option<IpAddr>, status: StatusCode) {
        let Some(address) = address.filter(|_| is_failure(status)) else { return };
        let address = network(address, false);
        let Err(wait) = self.failures.check(address) else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_MAX {
            let now = Instant::now();
            waiting.retain(|_, until| *until > now);
            if waiting.len() >= WAITING_MAX {
                return;
            }
        }
        waiting.insert(address, Instant::now() + Duration::from_secs(wait.0));
        self.any_waits.store(true, Ordering::Relaxed);
    }

    fn waits(&self, address: IpAddr) -> Option<u64> {
        if !self.any_waits.load(Ordering::Relaxed) {
            return None;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let until = *waiting.get(&address)?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            waiting.remove(&address);
            self.any_waits.store(!waiting.is_empty(), Ordering::Relaxed);
            return None;
        }
        Some(left.as_secs() + 1)
    }
}

/// What somebody who guesses codes, links or keys is answered.
fn is_failure(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
    )
}

impl Excess {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failures(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub(super) const fn text(&self) -> &'static str {
        match self {
            Self::Busy(_) => "too much at once; nothing was done, try again soon",
            Self::Failures(_) => "too many failed requests from this address; wait a little",
        }
    }

    /// For a browser: a line of text, which costs nothing where there is too much to do already.
    pub(super) fn for_people(&self) -> impl IntoResponse + use<> {
        let text = format!(
            "Please wait: {}.\nReload this page in {} s.\n",
            self.text(),
            self.retry_after()
        );
        let headers =
            [(RETRY_AFTER, self.retry_after().to_string()), (CACHE_CONTROL, "no-store".to_owned())];
        (self.status(), headers, text)
    }

    pub(super) const fn retry_after(&self) -> u64 {
        match self {
            Self::Busy(seconds) | Self::Failures(seconds) => *seconds,
        }
    }
}

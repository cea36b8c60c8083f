//! Documents of other servers that are kept for a while: metadata, and keys.
//!
//! Each node keeps its own; nothing depends on two nodes knowing the same.

use std::sync::{Arc, Mutex as Lock, PoisonError};

use keys::jws::Jws;
use keys::key_set::KeySet;
use keys::outside::{Clock, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::{Outgoing, OutgoingError};

/// How long a document is used before it is read again.
const FRESH_SECONDS: u64 = 3600;
/// How long an old one stands in for a new one that cannot be had.
const STALE_SECONDS: u64 = 24 * 3600;
/// It is read at most this often, whoever sends tokens of unknown keys.
const REFETCH_SECONDS: u64 = 30;
/// So soon a server that did not answer as it should is asked again, while nothing stands in.
const RETRY_SECONDS: u64 = 2;

/// What a server publishes.
type Published = Arc<Map<String, Value>>;
/// What came of reading it.
type Reading = Result<Published, OutgoingError>;

/// One document, at the first of its addresses where there is one.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// The last that was as it should be, and when it was read.
    good: Lock<Option<(Published, Timestamp)>>,
    /// When it was last asked for, and what came. Held while it is asked for: many who need it cause
    /// one request, and those whom an old one serves do not wait.
    last: Mutex<Option<(Timestamp, Reading)>>,
}

/// Where a document is, and how to tell that it is one.
pub(crate) struct Wanted<'w> {
    /// The next is tried where there is nothing at the one before.
    pub(crate) addresses: &'w [Url],
    /// What is not as it should be takes no good one's place.
    pub(crate) is_good: &'w (dyn Fn(&Map<String, Value>) -> bool + Sync),
}

impl Document {
    /// The document, read again when it is old.
    pub(crate) async fn get(
        &self,
        outgoing: &Outgoing,
        wanted: Wanted<'_>,
        clock: &dyn Clock,
    ) -> Reading {
        let now = clock.now();
        if let Some(fresh) = self.younger_than(FRESH_SECONDS, now) {
            return Ok(fresh);
        }
        let Some(stale) = self.younger_than(STALE_SECONDS, now) else {
            return self.newer_than(FRESH_SECONDS, outgoing, wanted, clock).await;
        };
        let Ok(mut last) = self.last.try_lock() else { return Ok(stale) }; // somebody is asking
        if last.as_ref().is_some_and(|(at, _)| is_younger(*at, REFETCH_SECONDS, now)) {
            return Ok(stale);
        }
        match self.read(&mut last, outgoing, &wanted, clock).await {
            Ok(document) if (wanted.is_good)(&document) => Ok(document),
            _ => {
                tracing::warn!("a document of another server cannot be read again");
                Ok(stale)
            }
        }
    }

    /// The document as it was `seconds` ago or later: nothing older stands in for it, and whoever
    /// comes while it is asked for waits for it.
    async fn newer_than(
        &self,
        seconds: u64,
        outgoing: &Outgoing,
        wanted: Wanted<'_>,
        clock: &dyn Clock,
    ) -> Reading {
        if let Some(new) = self.younger_than(seconds, clock.now()) {
            return Ok(new);
        }
        let mut last = self.last.lock().await;
        let now = clock.now();
        if let Some(new) = self.younger_than(seconds, now) {
            return Ok(new); // whoever was first has read it
        }
        match &*last {
            Some((at, reading)) if is_younger(*at, RETRY_SECONDS, now) => reading.clone(),
            Some(_) | None => self.read(&mut last, outgoing, &wanted, clock).await,
        }
    }

    /// Asks for it, and keeps it when it is as it should be.
    async fn read(
        &self,
        last: &mut Option<(Timestamp, Reading)>,
        outgoing: &Outgoing,
        wanted: &Wanted<'_>,
        clock: &dyn Clock,
    ) -> Reading {
        let reading = read(outgoing, wanted.addresses).await;
        let now = clock.now();
        *last = Some((now, reading.clone()));
        if let Ok(document) = &reading
            && (wanted.is_good)(document)
        {
            let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
            *good = Some((Arc::clone(document), now));
        }
        reading
    }

    fn younger_than(&self, seconds: u64, now: Timestamp) -> Option<Published> {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let (document, at) = good.as_ref()?;
        is_younger(*at, seconds, now).then(|| Arc::clone(document))
    }
}

/// What is from the future was read before the clock was set back: nobody knows how old it is.
fn is_younger(at: Timestamp, seconds: u64, now: Timestamp) -> bool {
    at <= now && now < at.plus(seconds)
}

async fn read(outgoing: &Outgoing, addresses: &[Url]) -> Reading {
    let mut reading = Err(OutgoingError::Unreadable);
    for address in addresses {
        reading = outgoing.document(address).await.map(Arc::new);
        if !matches!(reading, Err(OutgoingError::Status(404, _))) {
            break;
        }
    }
    reading
}

/// The keys of another server.
#[derive(Debug, Default)]
pub(crate) struct Keys(Document);

impl Keys {
    /// The set that `jws` is to be verified with: a newer one when that in hand lacks its key.
    /// Verifies nothing: that costs most, and comes last.
    pub(crate) async fn for_jws(
        &self,
        jws: &Jws,
        outgoing: &Outgoing,
        (url, clock): (&Url, &dyn Clock),
    ) -> Result<KeySet, OutgoingError> {
        let is_good = |document: &Map<String, Value>| parsed(document).is_ok();
        let addresses = std::slice::from_ref(url);
        let wanted = || Wanted { addresses, is_good: &is_good };
        let set = parsed(&*self.0.get(outgoing, wanted(), clock).await?)?;
        if set.has_key_for(jws) {
            return Ok(set);
        }
        parsed(&*self.0.newer_than(REFETCH_SECONDS, outgoing, wanted(), clock).await?)
    }
}

fn parsed(document: &Map<String, Value>) -> Result<KeySet, OutgoingError> {
    KeySet::from_value(document).map_err(|_| OutgoingError::Unreadable)
}

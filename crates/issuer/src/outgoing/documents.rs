//! Documents of other servers that are kept for a while: metadata, and keys.
//!
//! Each node keeps its own; nothing depends on two nodes knowing the same.

use std::sync::Arc;

use keys::key_set::{KeySet, KeySetError, ServerJws};
use keys::outside::{Clock, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::{Outgoing, OutgoingError};

/// How long a document is used before it is read again.
const FRESH_SECONDS: u64 = 3600;
/// How long an old one stands in for a new one that cannot be had.
const STALE_SECONDS: u64 = 24 * 3600;
/// Unknown keys make us read the set again at most this often, whoever sends such tokens.
const REFETCH_SECONDS: u64 = 30;

/// What was read, and when.
type Kept = (Arc<Map<String, Value>>, Timestamp);

/// One document.
#[derive(Debug)]
pub(crate) struct Document {
    /// Held while it is read: many who need it at once cause one request.
    kept: Mutex<Option<Kept>>,
}

impl Document {
    /// Not read yet.
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::new(None) }
    }

    /// The document, read again when it is old.
    pub(crate) async fn get(
        &self,
        outgoing: &Outgoing,
        url: &Url,
        clock: &dyn Clock,
    ) -> Result<Arc<Map<String, Value>>, OutgoingError> {
        self.newer_than(outgoing, url, clock, FRESH_SECONDS).await
    }

    async fn newer_than(
        &self,
        outgoing: &Outgoing,
        url: &Url,
        clock: &dyn Clock,
        seconds: u64,
    ) -> Result<Arc<Map<String, Value>>, OutgoingError> {
        let mut kept = self.kept.lock().await;
        let now = clock.now();
        if let Some((document, at)) = &*kept
            && now < at.plus(seconds)
        {
            return Ok(Arc::clone(document));
        }
        match outgoing.document(url).await {
            Ok(document) => {
                let document = Arc::new(document);
                *kept = Some((Arc::clone(&document), now));
                Ok(document)
            }
            Err(error) => match &*kept {
                Some((document, at)) if now < at.plus(STALE_SECONDS) => {
                    tracing::warn!(%error, "a document of another server cannot be read again");
                    Ok(Arc::clone(document))
                }
                Some(_) | None => Err(error),
            },
        }
    }
}

/// The keys of another server.
#[derive(Debug)]
pub(crate) struct Keys(Document);

impl Keys {
    /// Not read yet.
    pub(crate) fn new() -> Self {
        Self(Document::new())
    }

    /// The set that `jws` is to be verified with: a newer one when that in hand lacks its key.
    pub(crate) async fn for_jws(
        &self,
        jws: &ServerJws,
        outgoing: &Outgoing,
        (url, clock): (&Url, &dyn Clock),
    ) -> Result<KeySet, OutgoingError> {
        let document = self.0.get(outgoing, url, clock).await?;
        let set = parsed(&document)?;
        if set.verify(jws) != Err(KeySetError::UnknownKey) {
            return Ok(set);
        }
        let document = self.0.newer_than(outgoing, url, clock, REFETCH_SECONDS).await?;
        parsed(&document)
    }
}

fn parsed(document: &Map<String, Value>) -> Result<KeySet, OutgoingError> {
    KeySet::from_value(document).map_err(|_| OutgoingError::Unreadable)
}

//! The documents of holders' did:web, which say what their keys are (VCI §F.1, PROOF-08).
//!
//! A wallet says where to ask, so it could send us anywhere, and keep us busy (catalogue F01, F05).
//! Only what `oid4vci` found good apart from the key gets here; names lead to public addresses alone
//! (see `outgoing`); and how often and how many are asked is bounded, for each offer and for all.
//! Each node keeps for a while what it read.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use keys::did::{did_web_document, website_of};
use keys::did_document::DidDocument;
use keys::outside::{Clock, Timestamp};
use oid4vci::offer::OfferId;
use oid4vci::proof::{BindingMethod, KnownDocuments, WantedDocument};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::Issuer;
use crate::config::{ConfigError, Proof};
use crate::credential_type::CredentialType;
use crate::failure::Broken;
use crate::outgoing::{Outgoing, OutgoingError, STRANGERS_DEADLINE};
use crate::provider::guarded;

/// Longest document that is read.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// What a website may call it.
const MEDIA_TYPES: [&str; 4] =
    ["application/did+json", "application/did", "application/did+ld+json", "application/json"];
/// How long a document is used before it is read again: so long a key counts that was taken out.
const FRESH_SECONDS: u64 = 300;
/// For so long a website is not asked again, whatever came.
const RETRY_SECONDS: u64 = 5;
/// Most documents that are kept.
const DOCUMENTS_MAX: usize = 256;
/// Most websites that are asked at once.
const ASKED_MAX: usize = 32;
/// Most documents that are read for one offer in a minute; each wallet has one at a time.
const READS_PER_MINUTE: u32 = 6;
/// What a website takes of these that is silent to the end, and keeps a place from others for as long: a
/// name that is never found keeps one longer still.
const READS_OF_SILENCE: u32 = 3;
/// Most requests of one offer that wait for its turn.
const WAITING_MAX: usize = 8;
/// Most offers for which documents were read in the last minute.
const OFFERS_MAX: usize = 4096;
/// For so long a request waits in all.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is known of one document.
#[derive(Debug, Default)]
struct Known {
    /// The last that was as it should be, and when it was read.
    good: Option<(DidDocument, Timestamp)>,
    asked_at: Option<Timestamp>,
}

impl Known {
    fn needs_asking(&self, wanted: &WantedDocument, now: Timestamp) -> bool {
        let has_asked = self.asked_at.is_some_and(|at| is_younger(at, RETRY_SECONDS, now));
        let is_enough = self.fresh(now).is_some_and(|document| wanted.is_answered_by(document));
        !is_enough && !has_asked
    }

    fn fresh(&self, now: Timestamp) -> Option<&DidDocument> {
        let (document, read_at) = self.good.as_ref()?;
        is_younger(*read_at, FRESH_SECONDS, now).then_some(document)
    }

    /// What could not be read takes no good one's place: anybody can have a website asked.
    fn note(&mut self, document: Option<DidDocument>, now: Timestamp) {
        self.asked_at = Some(now);
        if let Some(document) = document {
            self.good = Some((document, now));
        }
    }
}

/// What is from the future was read before the clock was set back: nobody knows how old it is.
fn is_younger(at: Timestamp, seconds: u64, now: Timestamp) -> bool {
    at <= now && now < at.plus(seconds)
}

/// How much was read for one offer.
#[derive(Debug, Default)]
struct Turn {
    since: Option<Timestamp>,
    reads: u32,
}

impl Turn {
    fn is_old(&self, now: Timestamp) -> bool {
        self.since.is_none_or(|since| since > now || now >= since.plus(60))
    }

    /// Whether one more may be read.
    fn has_left(&mut self, now: Timestamp) -> bool {
        if self.is_old(now) {
            *self = Self { since: Some(now), reads: 0 };
        }
        self.reads < READS_PER_MINUTE
    }
}

/// The documents, by DID. Each is asked for by one request at a time, and each offer asks for one.
#[derive(Debug)]
pub struct DidDocuments {
    outgoing: Outgoing,
    documents: Shared<String, Known>,
    turns: Shared<OfferId, Turn>,
    asking: Arc<Semaphore>,
}

/// The documents that are wanted, as far as they can be had.
///
/// One that cannot be had is the holder's to mend, and the refusal says so; that others are being
/// asked for is not, and the request may come again.
pub(crate) async fn known_documents(
    wanted: Vec<WantedDocument>,
    offer: OfferId,
    issuer: &Issuer,
) -> Result<KnownDocuments, Broken> {
    let mut known = KnownDocuments::default();
    let Some(documents) = issuer.did_documents.as_ref().filter(|_| !wanted.is_empty()) else {
        return Ok(known);
    };
    let asking = async {
        for one in &wanted {
            if let Some(document) = documents.document(one, offer, &*issuer.clock).await? {
                known.add(document);
            }
        }
        Ok(known)
    };
    timeout(PATIENCE, asking).await.map_err(|_| crowded("websites of holders keep us waiting"))?
}

impl DidDocuments {
    /// For those of these types that are bound to a did:web; `None` when there is none.
    pub fn for_types<'t>(
        proof: &Proof,
        mut types: impl Iterator<Item = &'t CredentialType>,
    ) -> Result<Option<Self>, ConfigError> {
        let is_web = |one: &CredentialType| {
            let bound = one.key_binding.as_ref();
            bound.is_some_and(|bound| bound.methods.contains(&BindingMethod::DidWeb))
        };
        let open = || Self::open(proof);
        types.any(is_web).then(open).transpose()
    }

    /// With the authorities and the reach that the operator configured.
    pub fn open(proof: &Proof) -> Result<Self, ConfigError> {
        Ok(Self {
            outgoing: guarded(proof.did_web_ca.as_deref(), proof.did_web_private_addresses)?,
            documents: Shared::default(),
            turns: Shared::default(),
            asking: Arc::new(Semaphore::new(ASKED_MAX)),
        })
    }

    async fn document(
        &self,
        wanted: &WantedDocument,
        offer: OfferId,
        clock: &dyn Clock,
    ) -> Result<Option<DidDocument>, Broken> {
        if let Some(entry) = self.documents.existing(&wanted.did) {
            let known = entry.lock().await;
            if !known.needs_asking(wanted, clock.now()) {
                return Ok(known.fresh(clock.now()).cloned());
            }
        }
        // What takes long is held last: nobody waits for an offer that waits for its own turn. And who
        // has no turn leaves nothing behind.
        let mut turn = self.turn(offer, clock.now()).await?;
        if !turn.has_left(clock.now()) {
            return Err(crowded("too many documents are asked for with one offer"));
        }
        let entry = self.entry(&wanted.did, clock.now());
        let entry = entry.ok_or_else(|| crowded("more documents than are kept are asked for"))?;
        let known = entry.lock_owned().await;
        if !known.needs_asking(wanted, clock.now()) {
            return Ok(known.fresh(clock.now()).cloned()); // another request has read it
        }
        let slot = Arc::clone(&self.asking).acquire_owned().await;
        let slot = slot.map_err(|error| Broken::fault(error.to_string()))?;
        let (outgoing, did) = (self.outgoing.clone(), wanted.did.clone());
        // Whoever asked may be gone before there is an answer, which is noted all the same; and the
        // turn is over when the website has answered, not when the wallet hangs up.
        let asking = tokio::spawn(renew(outgoing, did, (known, turn, slot), clock.now()));
        asking.await.map_err(|error| Broken::fault(error.to_string()))?
    }

    /// Of the documents that nobody is using, those go first that are no longer good for anything.
    fn entry(&self, did: &String, now: Timestamp) -> Option<Arc<Mutex<Known>>> {
        let is_fresh = |known: &Known| known.fresh(now).is_some();
        let entry = self.documents.entry(did, DOCUMENTS_MAX, is_fresh);
        entry.or_else(|| {
            self.documents.forget_one();
            self.documents.entry(did, DOCUMENTS_MAX, is_fresh)
        })
    }

    async fn turn(&self, offer: OfferId, now: Timestamp) -> Result<OwnedMutexGuard<Turn>, Broken> {
        let turn = self.turns.entry(&offer, OFFERS_MAX, |turn| !turn.is_old(now));
        let turn = turn.ok_or_else(|| crowded("documents are asked for with too many offers"))?;
        // One is that of the map, one is ours.
        if Arc::strong_count(&turn) > WAITING_MAX + 2 {
            return Err(crowded("too many requests of one offer ask for documents"));
        }
        Ok(turn.lock_owned().await)
    }
}

fn crowded(problem: &str) -> Broken {
    Broken::crowded(problem.to_owned())
}

/// Asks, and notes what came; that nobody could be asked says nothing of the document, and was no read.
async fn renew(
    outgoing: Outgoing,
    did: String,
    (mut known, mut turn, slot): (
        OwnedMutexGuard<Known>,
        OwnedMutexGuard<Turn>,
        OwnedSemaphorePermit,
    ),
    now: Timestamp,
) -> Result<Option<DidDocument>, Broken> {
    let begun = Instant::now();
    let read = read(&outgoing, &did).await;
    drop(slot);
    if let Err(Unread::Busy) = read {
        return Err(crowded("too many names of websites are looked up"));
    }
    let was_silent = read.is_err() && begun.elapsed() >= STRANGERS_DEADLINE;
    turn.reads += if was_silent { READS_OF_SILENCE } else { 1 };
    drop(turn);
    if let Err(Unread::Bad(problem)) = &read {
        tracing::info!(problem, "the document of a did:web cannot be had");
    }
    let now = now.plus(begun.elapsed().as_secs());
    known.note(read.ok(), now);
    Ok(known.fresh(now).cloned())
}

/// Why there is no document.
enum Unread {
    /// Whoever publishes it is to blame; this is for the log.
    Bad(String),
    /// Nobody was asked.
    Busy,
}

async fn read(outgoing: &Outgoing, did: &str) -> Result<DidDocument, Unread> {
    let bad = |problem: &dyn ToString| Unread::Bad(problem.to_string());
    let website = website_of(did).ok_or_else(|| bad(&"the DID is that of no website"))?;
    let place = did_web_document(&website);
    let bytes = outgoing.json_bytes(&place, &MEDIA_TYPES, DOCUMENT_BYTES_MAX).await;
    let bytes = bytes.map_err(|error| match &error {
        OutgoingError::Busy => Unread::Busy,
        OutgoingError::Unreachable(_) | OutgoingError::Unreadable | OutgoingError::Status(..) => {
            bad(&error)
        }
    })?;
    DidDocument::parse(&bytes, did).map_err(|error| bad(&error))
}

/// Things by name, each used by one at a time.
#[derive(Debug)]
struct Shared<N, T>(Lock<HashMap<N, Arc<Mutex<T>>>>);

impl<N, T> Default for Shared<N, T> {
    fn default() -> Self {
        Self(Lock::default())
    }
}

impl<N: Clone + Eq + Hash, T: Default> Shared<N, T> {
    fn existing(&self, name: &N) -> Option<Arc<Mutex<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Makes room for one, where there is one that is not in use.
    fn forget_one(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = all.iter().find(|(_, one)| Arc::strong_count(one) == 1);
        if let Some(name) = free.map(|(name, _)| name.clone()) {
            all.remove(&name);
        }
    }

    /// The thing of this name. When there are too many, those go that are not in use and not to be
    /// kept; `None` when that are too few.
    fn entry(&self, name: &N, max: usize, is_kept: impl Fn(&T) -> bool) -> Option<Arc<Mutex<T>>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= max && !all.contains_key(name) {
            all.retain(|_, one| {
                let is_free = Arc::strong_count(one) == 1;
                !is_free || one.try_lock().is_ok_and(|one| is_kept(&one))
            });
            if all.len() >= max {
                return None;
            }
        }
        Some(Arc::clone(all.entry(name.clone()).or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn document() -> DidDocument {
        let did = "did:web:holder.example";
        DidDocument::parse(format!(r#"{{"id":"{did}"}}"#).as_bytes(), did).expect("a document")
    }

    /// A wrong name of a key has the website asked again; its document is as old as before.
    #[test]
    fn what_could_not_be_read_takes_no_good_ones_place() {
        let mut known = Known::default();
        known.note(Some(document()), NOW);
        let last = NOW.plus(FRESH_SECONDS - 1);
        known.note(None, last);
        assert!(known.fresh(last).is_some());
        assert!(known.fresh(NOW.plus(FRESH_SECONDS)).is_none());
    }

    /// What is full forgets what is of no use first, and nothing that is in use.
    #[test]
    fn a_good_document_goes_last() {
        let documents = DidDocuments::open(&Proof::default()).expect("no authority is named");
        let name = |at: usize| format!("did:web:{at}.example");
        let note = |at: usize, document| {
            let entry = documents.entry(&name(at), NOW).expect("there is room");
            entry.try_lock().expect("nobody uses it").note(document, NOW);
            entry
        };
        note(0, Some(document()));
        (1..DOCUMENTS_MAX).for_each(|at| drop(note(at, None)));
        drop(note(DOCUMENTS_MAX, None));
        let held = documents.documents.existing(&name(0)).expect("the good one is kept");
        assert!(documents.documents.existing(&name(1)).is_none());
        let used: Vec<_> = (1..DOCUMENTS_MAX).map(|at| note(at, Some(document()))).collect();
        assert!(documents.entry(&name(DOCUMENTS_MAX + 1), NOW).is_none());
        drop(held);
        assert!(documents.entry(&name(DOCUMENTS_MAX + 1), NOW).is_some());
        drop(used);
    }
}

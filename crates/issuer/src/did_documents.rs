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
use crate::outgoing::Outgoing;
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
/// Most offers for which documents were read in the last minute.
const OFFERS_MAX: usize = 4096;
/// For so long a request waits in all.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is known of one document.
#[derive(Debug, Default)]
struct Known {
    document: Option<DidDocument>,
    asked_at: Option<Timestamp>,
}

impl Known {
    fn needs_asking(&self, wanted: &WantedDocument, now: Timestamp) -> bool {
        let has_asked = self.asked_at.is_some_and(|at| at <= now && now < at.plus(RETRY_SECONDS));
        let is_enough = self.fresh(now).is_some_and(|document| wanted.is_answered_by(document));
        !is_enough && !has_asked
    }

    fn fresh(&self, now: Timestamp) -> Option<&DidDocument> {
        let at = self.asked_at.filter(|at| *at <= now)?;
        self.document.as_ref().filter(|_| now < at.plus(FRESH_SECONDS))
    }
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
    fn take(&mut self, now: Timestamp) -> bool {
        if self.is_old(now) {
            *self = Self { since: Some(now), reads: 0 };
        }
        self.reads += 1;
        self.reads <= READS_PER_MINUTE
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
    let busy = || Broken::passing("websites of holders keep us waiting".to_owned());
    timeout(PATIENCE, asking).await.map_err(|_| busy())?
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
        let entry = self.documents.entry(&wanted.did, DOCUMENTS_MAX, |_| false);
        let entry = entry.ok_or_else(|| passing("more documents than are kept are asked for"))?;
        let known = entry.lock().await;
        if !known.needs_asking(wanted, clock.now()) {
            return Ok(known.fresh(clock.now()).cloned());
        }
        drop(known);
        // What takes long is held last: nobody waits for an offer that waits for its own turn.
        let (mut turn, slot) = self.turn(offer, clock.now()).await?;
        let known = entry.lock_owned().await;
        let now = clock.now();
        if !known.needs_asking(wanted, now) {
            return Ok(known.fresh(now).cloned()); // another request has read it
        }
        if !turn.take(now) {
            return Err(passing("too many documents are asked for with one offer"));
        }
        let (outgoing, did) = (self.outgoing.clone(), wanted.did.clone());
        // Whoever asked may be gone before there is an answer, which is noted all the same; and the
        // turn is over when the website has answered, not when the wallet hangs up.
        let asking = tokio::spawn(renew(outgoing, did, (known, turn, slot), now));
        let document = asking.await.map_err(|error| Broken::fault(error.to_string()))?;
        Ok(document)
    }

    async fn turn(
        &self,
        offer: OfferId,
        now: Timestamp,
    ) -> Result<(OwnedMutexGuard<Turn>, OwnedSemaphorePermit), Broken> {
        let turn = self.turns.entry(&offer, OFFERS_MAX, |turn| !turn.is_old(now));
        let turn = turn.ok_or_else(|| passing("documents are asked for with too many offers"))?;
        let turn = turn.lock_owned().await;
        let slot = Arc::clone(&self.asking).acquire_owned().await;
        Ok((turn, slot.map_err(|error| Broken::fault(error.to_string()))?))
    }
}

fn passing(problem: &str) -> Broken {
    Broken::passing(problem.to_owned())
}

/// Asks, and notes what came.
async fn renew(
    outgoing: Outgoing,
    did: String,
    (mut known, turn, slot): (OwnedMutexGuard<Known>, OwnedMutexGuard<Turn>, OwnedSemaphorePermit),
    now: Timestamp,
) -> Option<DidDocument> {
    let begun = Instant::now();
    let read = read(&outgoing, &did).await;
    drop((turn, slot));
    if let Err(problem) = &read {
        tracing::info!(problem, "the document of a did:web cannot be had");
    }
    let document = read.ok();
    *known =
        Known { document: document.clone(), asked_at: Some(now.plus(begun.elapsed().as_secs())) };
    document
}

async fn read(outgoing: &Outgoing, did: &str) -> Result<DidDocument, String> {
    let website = website_of(did).ok_or("the DID is that of no website")?;
    let place = did_web_document(&website);
    let bytes = outgoing.json_bytes(&place, &MEDIA_TYPES, DOCUMENT_BYTES_MAX).await;
    let bytes = bytes.map_err(|error| error.to_string())?;
    DidDocument::parse(&bytes, did).map_err(|error| error.to_string())
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

//! Steps that write, and their batches: one statement for each kind, one transaction for all.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use keys::outside::Timestamp;
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, Redemption, StatusEntry};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::secret::SecretDigest;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::batch::Kinds;
use super::connection::Connection;
use super::fault::Fault;
use super::queue::Work;
use super::rows::{big, list};
use super::worker::Job;
use crate::store::{NewOffer, Opened, Recorded, StoreError};

/// A step and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting<S, O> {
    pub(super) step: S,
    pub(super) answer: oneshot::Sender<Result<O, StoreError>>,
}

impl<S, O> Waiting<S, O> {
    fn tell(self, outcome: Result<O, StoreError>) {
        drop(self.answer.send(outcome)); // the caller may have gone away
    }
}

/// An offer on its way, with its claims as text.
///
/// `step_id` names one try of a step, here as below, so that its outcome can be read back.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) step_id: Uuid,
    pub(super) offer: NewOffer,
    pub(super) ids: String,
    pub(super) datasets: String,
}

impl Open {
    pub(super) fn of(step_id: Uuid, mut offer: NewOffer) -> Self {
        let datasets = Value::Object(std::mem::take(&mut offer.datasets)).to_string();
        let ids = list(&offer.grant.credential_configuration_ids);
        Self { step_id, offer, ids, datasets }
    }
}

/// The first fetch of an offer.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) id: OfferId,
    pub(super) now: i64,
}

/// A code to be spent.
#[derive(Debug)]
pub(super) struct Redeem {
    pub(super) step_id: Uuid,
    pub(super) id: OfferId,
    pub(super) attempts: u32,
    pub(super) redemption: Redemption,
    pub(super) ids: String,
}

impl Redeem {
    pub(super) fn of(step_id: Uuid, seen: &Grant, redemption: &Redemption) -> Self {
        let ids = list(&redemption.credential_configuration_ids);
        Self { step_id, id: seen.id, attempts: seen.attempts, redemption: redemption.clone(), ids }
    }
}

/// A wrong Transaction Code.
#[derive(Debug)]
pub(super) struct WrongTxCode {
    pub(super) step_id: Uuid,
    pub(super) id: OfferId,
    pub(super) attempts: u32,
}

/// An issuance and the nonces of its proofs.
#[derive(Debug)]
pub(super) struct Issuance {
    pub(super) step_id: Uuid,
    pub(super) id: OfferId,
    pub(super) seen_count: usize,
    pub(super) token_digest: [u8; 32],
    pub(super) credential_configuration_id: String,
    pub(super) thumbprints: Vec<Option<String>>,
    pub(super) nonces: Vec<[u8; 24]>,
    pub(super) entries: Vec<StatusEntry>,
    pub(super) now: i64,
}

impl Issuance {
    pub(super) fn of(
        step_id: Uuid,
        record: &Record<'_>,
        (nonces, entries): (&[SpendableNonce], &[StatusEntry]),
        now: Timestamp,
    ) -> Self {
        let token = record.grant.redemption.as_ref().map(|redemption| redemption.token_digest.0);
        let thumbprints = record.thumbprints.iter();
        Self {
            step_id,
            id: record.grant.id,
            seen_count: record.grant.issued.len(),
            token_digest: token.unwrap_or_default(), // no token has this digest
            credential_configuration_id: record.credential_configuration_id.to_owned(),
            thumbprints: thumbprints.map(|key| key.as_ref().map(ToString::to_string)).collect(),
            nonces: nonces.iter().map(|nonce| nonce.front).collect(),
            entries: entries.to_vec(),
            now: big(now.0),
        }
    }
}

/// One step that waits.
#[derive(Debug)]
pub(super) enum Write {
    Open(Box<Waiting<Open, Opened>>),
    NoteFetched(Waiting<Fetched, ()>),
    Redeem(Box<Waiting<Redeem, bool>>),
    CountWrongTxCode(Waiting<WrongTxCode, bool>),
    Record(Box<Waiting<Issuance, Recorded>>),
}

/// What two steps at work may not have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Offer(OfferId),
    Idempotency([u8; 32]),
}

impl Work for Write {
    type Key = Key;

    fn key(&self) -> Option<Key> {
        match self {
            Self::Open(open) => {
                let idempotency = open.step.offer.idempotency.as_ref();
                idempotency.map(|idempotency| Key::Idempotency(idempotency.key_digest.0))
            }
            Self::NoteFetched(fetched) => Some(Key::Offer(fetched.step.id)),
            Self::Redeem(redeem) => Some(Key::Offer(redeem.step.id)),
            Self::CountWrongTxCode(wrong) => Some(Key::Offer(wrong.step.id)),
            Self::Record(record) => Some(Key::Offer(record.step.id)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Open(open) => open.step.datasets.len(),
            Self::NoteFetched(_)
            | Self::Redeem(_)
            | Self::CountWrongTxCode(_)
            | Self::Record(_) => 0,
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Open(waiting) => waiting.tell(Err(error)),
            Self::NoteFetched(waiting) => waiting.tell(Err(error)),
            Self::Redeem(waiting) => waiting.tell(Err(error)),
            Self::CountWrongTxCode(waiting) => waiting.tell(Err(error)),
            Self::Record(waiting) => waiting.tell(Err(error)),
        }
    }
}

/// What a batch of writes has done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Offers that their step has made or changed; a batch has one step for each.
    pub(super) changed: HashSet<OfferId>,
    /// Offers whose step brought a nonce that was spent before.
    pub(super) spent: HashSet<OfferId>,
    /// The offers that `Idempotency-Key`s have made before.
    pub(super) remembered: HashMap<[u8; 32], (OfferId, SecretDigest)>,
}

impl Job for Write {
    type Done = Done;

    fn run<'r>(
        connection: &'r mut Connection,
        issuer_id: &'r str,
        batch: &'r [Self],
        again: bool,
    ) -> BoxFuture<'r, Result<Done, Fault>> {
        run(connection, issuer_id, batch, again).boxed()
    }

    fn answer(self, done: &Done) {
        match self {
            Self::Open(waiting) => {
                let outcome = opened(&waiting.step, done);
                waiting.tell(outcome);
            }
            Self::NoteFetched(waiting) => waiting.tell(Ok(())),
            Self::Redeem(waiting) => {
                let is_done = done.changed.contains(&waiting.step.id);
                waiting.tell(Ok(is_done));
            }
            Self::CountWrongTxCode(waiting) => {
                let is_done = done.changed.contains(&waiting.step.id);
                waiting.tell(Ok(is_done));
            }
            Self::Record(waiting) => {
                let outcome = match &waiting.step.id {
                    id if done.changed.contains(id) => Recorded::Recorded,
                    id if done.spent.contains(id) => Recorded::NonceSpent,
                    _ => Recorded::Changed,
                };
                waiting.tell(Ok(outcome));
            }
        }
    }

    /// A nonce that comes twice is spent by the first; the second is to find it spent.
    fn set_apart(batch: &mut Vec<Self>) -> Vec<Self> {
        let mut nonces = HashSet::new();
        let is_later = |write: &mut Self| match write {
            Self::Record(record) => {
                let is_taken = record.step.nonces.iter().any(|nonce| nonces.contains(nonce));
                if !is_taken {
                    nonces.extend(record.step.nonces.iter().copied());
                }
                is_taken
            }
            Self::Open(_) | Self::NoteFetched(_) | Self::Redeem(_) | Self::CountWrongTxCode(_) => {
                false
            }
        };
        batch.extract_if(.., is_later).collect()
    }
}

fn opened(step: &Open, done: &Done) -> Result<Opened, StoreError> {
    let id = step.offer.grant.id;
    let idempotency = step.offer.idempotency.as_ref();
    let found = idempotency.and_then(|key| done.remembered.get(&key.key_digest.0));
    match found {
        _ if done.changed.contains(&id) => Ok(Opened::Opened),
        Some((first, _)) if *first == id => Ok(Opened::Opened),
        Some((first, request_digest)) => Ok(Opened::Repeated(*first, *request_digest)),
        None => Err(StoreError::Broken("an offer of this id is there already".to_owned())),
    }
}

async fn run(
    connection: &mut Connection,
    issuer_id: &str,
    batch: &[Write],
    again: bool,
) -> Result<Done, Fault> {
    let kinds = Kinds::of(batch);
    let mut done = kinds.commit(connection, issuer_id).await?;
    if again {
        kinds.read_back(connection, issuer_id, &mut done).await?;
    }
    kinds.find_first_offers(connection, issuer_id, &mut done).await?;
    Ok(done)
}

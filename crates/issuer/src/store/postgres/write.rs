//! Steps that write, and their batches: one statement for each kind, one transaction for all.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, Redemption, StatusEntry};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;
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
use crate::store::{NewOffer, Opened, Recorded, Redeemed, StoreError};

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

/// A code to be spent together with the proofs of its sender.
#[derive(Debug)]
pub(super) struct Proved {
    pub(super) redeem: Redeem,
    pub(super) bound_to: Option<String>,
    pub(super) client_key: Option<String>,
    /// The token that is to end, where the code was redeemed before.
    pub(super) seen: Option<[u8; 32]>,
    pub(super) used: Vec<[u8; 24]>,
}

impl Proved {
    pub(super) fn of(redeem: Redeem, seen: Option<SecretDigest>, used: &[UsedJti]) -> Self {
        let text = |key: &Option<Thumbprint>| key.as_ref().map(ToString::to_string);
        let (bound_to, client_key) =
            (text(&redeem.redemption.bound_to), text(&redeem.redemption.client_key));
        let used = used.iter().flat_map(fronts).collect();
        Self { redeem, bound_to, client_key, seen: seen.map(|digest| digest.0), used }
    }
}

/// What is remembered of something that may come once.
fn fronts(used: &UsedJti) -> [[u8; 24]; 2] {
    used.marks().map(|mark| mark.front)
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
    /// The configuration of each credential.
    pub(super) configurations: Vec<String>,
    /// Its key.
    pub(super) thumbprints: Vec<Option<String>>,
    pub(super) nonces: Vec<[u8; 24]>,
    /// Of the DPoP proof beside the token.
    pub(super) used: Vec<[u8; 24]>,
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
        Self {
            step_id,
            id: record.grant.id,
            seen_count: record.grant.issued.len(),
            token_digest: token.unwrap_or_default(), // no token has this digest
            configurations: record.issued().map(|(id, _)| id.to_owned()).collect(),
            thumbprints: record.issued().map(|(_, key)| key.map(ToString::to_string)).collect(),
            nonces: nonces.iter().map(|nonce| nonce.front).collect(),
            used: record.used.iter().flat_map(fronts).collect(),
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
    RedeemProved(Box<Waiting<Proved, Redeemed>>),
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
            Self::RedeemProved(proved) => Some(Key::Offer(proved.step.redeem.id)),
            Self::CountWrongTxCode(wrong) => Some(Key::Offer(wrong.step.id)),
            Self::Record(record) => Some(Key::Offer(record.step.id)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Open(open) => open.step.datasets.len(),
            Self::NoteFetched(_)
            | Self::Redeem(_)
            | Self::RedeemProved(_)
            | Self::CountWrongTxCode(_)
            | Self::Record(_) => 0,
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Open(waiting) => waiting.tell(Err(error)),
            Self::NoteFetched(waiting) => waiting.tell(Err(error)),
            Self::Redeem(waiting) => waiting.tell(Err(error)),
            Self::RedeemProved(waiting) => waiting.tell(Err(error)),
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
    /// Offers whose step brought what was spent before, and what that was.
    pub(super) spent: HashMap<OfferId, Vec<Vec<u8>>>,
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
            Self::RedeemProved(waiting) => {
                let outcome = match &waiting.step.redeem.id {
                    id if done.changed.contains(id) => Redeemed::Redeemed,
                    id if done.spent.contains_key(id) => Redeemed::Replayed,
                    _ => Redeemed::Changed,
                };
                waiting.tell(Ok(outcome));
            }
            Self::CountWrongTxCode(waiting) => {
                let is_done = done.changed.contains(&waiting.step.id);
                waiting.tell(Ok(is_done));
            }
            Self::Record(waiting) => {
                let outcome = recorded(&waiting.step, done);
                waiting.tell(Ok(outcome));
            }
        }
    }

    /// A nonce that comes twice is spent by the first; the second is to find it spent.
    fn set_apart(batch: &mut Vec<Self>) -> Vec<Self> {
        let mut nonces = HashSet::new();
        let is_later = |write: &mut Self| {
            let is_taken = write.spends().any(|nonce| nonces.contains(nonce));
            if !is_taken {
                nonces.extend(write.spends().copied());
            }
            is_taken
        };
        batch.extract_if(.., is_later).collect()
    }
}

impl Write {
    /// What comes once, and comes with it.
    fn spends(&self) -> impl Iterator<Item = &[u8; 24]> {
        let (used, nonces): (&[[u8; 24]], &[[u8; 24]]) = match self {
            Self::Record(record) => (&record.step.used, &record.step.nonces),
            Self::RedeemProved(proved) => (&proved.step.used, &[]),
            Self::Open(_) | Self::NoteFetched(_) | Self::Redeem(_) | Self::CountWrongTxCode(_) => {
                (&[], &[])
            }
        };
        used.iter().chain(nonces)
    }
}

fn recorded(step: &Issuance, done: &Done) -> Recorded {
    let is_used = |spent: &Vec<u8>| step.used.iter().any(|used| used.as_slice() == spent);
    match (done.changed.contains(&step.id), done.spent.get(&step.id)) {
        (true, _) => Recorded::Recorded,
        (false, Some(spent)) if spent.iter().any(is_used) => Recorded::Replayed,
        (false, Some(_)) => Recorded::NonceSpent,
        (false, None) => Recorded::Changed,
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

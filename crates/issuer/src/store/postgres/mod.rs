//! PostgreSQL, for issuers on several machines: what arrives together is done together.
//!
//! Steps wait in a [`queue`] and are done by the [`worker`]s: one statement for all steps of a kind,
//! one transaction for a [`batch`]. Two steps on one offer are never in work at the same time on
//! one node; between nodes each is one conditional write, which repeats what was seen.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use keys::outside::{Random, Timestamp};
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, Redemption, StatusEntry};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    ApplicationPage, NewOffer, OfferPage, Opened, PurgeBefore, Recorded, Redeemed, Store,
    StoreError,
};
use crate::application::{Application, ApplicationId, ApplicationState};
use connection::{Connection, Target};
use fault::Fault;
use line::Line;
use pool::Pool;
use queue::Queue;
use read::Read;
use single::Context;
use statistics::count_new_tables;
use worker::{Job, Worker};
use write::{Fetched, Issuance, Open, Proved, Redeem, Waiting, Write, WrongTxCode};

mod address;
mod authorization;
mod authorization_rows;
mod authorization_writes;
mod batch;
mod client;
mod connection;
mod deferral;
mod external;
mod fault;
mod held;
mod line;
mod migrations;
mod pool;
mod purge;
mod queue;
mod read;
mod rows;
mod server;
mod single;
mod statements;
mod statistics;
mod status;
mod tls;
mod transfer;
mod worker;
mod write;

pub use address::Address;
pub use migrations::{migrate, schema};

#[cfg(test)]
pub(super) use migrations::MIGRATIONS;
pub(super) use transfer::PostgresEnd;

/// Connections that write batches; most of them stand idle until there is much to do.
const WRITERS: usize = 4;
/// Connections that read batches.
const READERS: usize = 2;

/// How to get at a database.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// Where it is.
    pub address: &'o Address,
    /// The file that holds the password of its user.
    pub password_file: Option<&'o Path>,
    /// The certificates that its certificate must lead to, instead of those that this machine trusts.
    pub ca: Option<&'o Path>,
}

/// The engine.
#[derive(Debug)]
pub struct Postgres {
    /// Begins every key: one database can hold several issuers.
    issuer_id: Arc<str>,
    writes: Arc<Queue<Write>>,
    reads: Arc<Queue<Read>>,
    singles: Arc<Pool>,
    steps: Arc<StepIds>,
    /// Who leases: a node asks for one lease at a time, others would only get in its way.
    leasing: tokio::sync::Mutex<()>,
    /// Ends with the store.
    _workers: JoinSet<()>,
}

/// Names the tries of steps: a random number for the node, then a count.
#[derive(Debug)]
struct StepIds {
    node: u64,
    count: AtomicU64,
}

impl StepIds {
    fn next(&self) -> Uuid {
        Uuid::from_u64_pair(self.node, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// How many there were.
    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

impl Postgres {
    /// Opens a database that [`migrate`] has made ready, and logs what is risky about its server.
    pub async fn open(
        options: &Options<'_>,
        issuer_id: &str,
        random: &dyn Random,
    ) -> Result<Self, StoreError> {
        let target = Arc::new(Target::new(options)?);
        let first = target.connect().await?;
        migrations::schema_of(&first.client).await?.ready(&options.address.to_string())?;
        for warning in server::warnings(&first.client).await? {
            tracing::warn!("{warning}");
        }
        let mut node = [0; 8];
        random.fill(&mut node);
        let mut workers = JoinSet::new();
        let issuer_id = Arc::from(issuer_id);
        let singles = Arc::new(Pool::new(Arc::clone(&target)));
        let steps = Arc::new(StepIds { node: u64::from_be_bytes(node), count: AtomicU64::new(0) });
        workers.spawn(count_new_tables(Arc::clone(&singles), Arc::clone(&steps)));
        Ok(Self {
            writes: start(&mut workers, WRITERS, &target, &issuer_id),
            reads: start(&mut workers, READERS, &target, &issuer_id),
            issuer_id,
            singles,
            steps,
            leasing: tokio::sync::Mutex::default(),
            _workers: workers,
        })
    }

    async fn write<S, O>(
        &self,
        step: S,
        kind: impl FnOnce(Waiting<S, O>) -> Write,
    ) -> Result<O, StoreError> {
        let (answer, outcome) = oneshot::channel();
        self.writes.push(kind(Waiting { step, answer }))?;
        outcome.await.unwrap_or_else(|_| Err(ended()))
    }

    async fn read<T>(
        &self,
        read: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Read,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = oneshot::channel();
        self.reads.push(read(answer))?;
        outcome.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Runs a step alone.
    async fn single<E: Sync, T>(
        &self,
        step: E,
        run: impl for<'c> Fn(&'c mut Connection, Context<'c>, &'c E) -> BoxFuture<'c, Result<T, Fault>>
        + Sync,
    ) -> Result<T, StoreError> {
        let step = (&*self.issuer_id, self.steps.next(), step);
        self.singles
            .run(&step, |connection, (issuer_id, step_id, step), again| {
                run(connection, Context { issuer_id, step_id: *step_id, again }, step)
            })
            .await
    }
}

fn start<J: Job>(
    workers: &mut JoinSet<()>,
    count: usize,
    target: &Arc<Target>,
    issuer_id: &Arc<str>,
) -> Arc<Queue<J>> {
    let (queue, standing) = (Arc::new(Queue::new()), Arc::new(AtomicUsize::new(0)));
    for _ in 0..count {
        let line = Line::new(Arc::clone(target), Arc::clone(&standing));
        let (queue, issuer_id) = (Arc::clone(&queue), Arc::clone(issuer_id));
        workers.spawn(Worker { queue, line, issuer_id }.work());
    }
    queue
}

fn ended() -> StoreError {
    StoreError::Unavailable("the store has ended".to_owned())
}

/// What is risky about the server, for who wants to know it before it is used.
pub async fn warnings(options: &Options<'_>) -> Result<Vec<String>, StoreError> {
    let connection = Target::new(options)?.connect().await?;
    server::warnings(&connection.client).await
}

#[async_trait]
impl Store for Postgres {
    async fn open_offer(&self, offer: NewOffer) -> Result<Opened, StoreError> {
        let open = Open::of(self.steps.next(), offer);
        if open.offer.application.is_none() && open.offer.issuer_state.is_none() {
            return self.write(open, |waiting| Write::Open(Box::new(waiting))).await;
        }
        self.single(open, |connection, context, open| {
            single::open_for_application(connection, context, open).boxed()
        })
        .await
    }

    async fn grant(&self, id: OfferId) -> Result<Option<Grant>, StoreError> {
        self.read(|answer| Read::Grant(id, answer)).await
    }

    async fn datasets(&self, id: OfferId) -> Result<Option<Map<String, Value>>, StoreError> {
        self.read(|answer| Read::Datasets(id, answer)).await
    }

    async fn note_fetched(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError> {
        let now = rows::big(now.0);
        self.write(Fetched { id, now }, Write::NoteFetched).await
    }

    async fn redeem(&self, seen: &Grant, redemption: &Redemption) -> Result<bool, StoreError> {
        if redemption.bound_to.is_some() || redemption.client_key.is_some() {
            let redeemed = self.redeem_proved(seen, redemption, &[]).await?;
            return Ok(redeemed == Redeemed::Redeemed);
        }
        let step = Redeem::of(self.steps.next(), seen, redemption);
        self.write(step, |waiting| Write::Redeem(Box::new(waiting))).await
    }

    async fn redeem_proved(
        &self,
        seen: &Grant,
        redemption: &Redemption,
        used: &[UsedJti],
    ) -> Result<Redeemed, StoreError> {
        let redeem = Redeem::of(self.steps.next(), seen, redemption);
        let step = Proved::of(redeem, None, used);
        self.write(step, |waiting| Write::RedeemProved(Box::new(waiting))).await
    }

    async fn redeem_again(
        &self,
        seen: &Grant,
        redemption: &Redemption,
        used: &[UsedJti],
    ) -> Result<Redeemed, StoreError> {
        let token = seen.redemption.as_ref().map(|redemption| redemption.token_digest);
        let Some(token) = token else { return Ok(Redeemed::Changed) };
        let redeem = Redeem::of(self.steps.next(), seen, redemption);
        let step = Proved::of(redeem, Some(token), used);
        self.write(step, |waiting| Write::RedeemProved(Box::new(waiting))).await
    }

    async fn count_wrong_tx_code(&self, seen: &Grant) -> Result<bool, StoreError> {
        let step_id = self.steps.next();
        let step = WrongTxCode { step_id, id: seen.id, attempts: seen.attempts };
        self.write(step, Write::CountWrongTxCode).await
    }

    async fn record_issuance(
        &self,
        record: &Record<'_>,
        nonces: &[SpendableNonce],
        entries: &[StatusEntry],
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let step = Issuance::of(self.steps.next(), record, (nonces, entries), now);
        self.write(step, |waiting| Write::Record(Box::new(waiting))).await
    }

    async fn withdraw_offer(&self, id: OfferId, now: Timestamp) -> Result<bool, StoreError> {
        self.single((id, now), |connection, context, step| {
            single::withdraw_offer(connection, context, *step).boxed()
        })
        .await
    }

    async fn offers(&self, page: OfferPage) -> Result<Vec<Grant>, StoreError> {
        self.single(page, |connection, context, page| {
            single::offers(connection, context, page).boxed()
        })
        .await
    }

    async fn open_application(&self, application: Application) -> Result<(), StoreError> {
        self.single(application, |connection, context, application| {
            single::open_application(connection, context, application).boxed()
        })
        .await
    }

    async fn application(&self, id: ApplicationId) -> Result<Option<Application>, StoreError> {
        self.single(id, |connection, context, id| {
            single::application(connection, context, *id).boxed()
        })
        .await
    }

    async fn applications(&self, page: ApplicationPage) -> Result<Vec<Application>, StoreError> {
        self.single(page, |connection, context, page| {
            single::applications(connection, context, page).boxed()
        })
        .await
    }

    async fn decide_application(
        &self,
        seen: &Application,
        state: ApplicationState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.single((seen, state, now), |connection, context, (seen, state, now)| {
            single::decide_application(connection, context, seen, (*state, *now)).boxed()
        })
        .await
    }

    async fn purge(&self, before: &PurgeBefore, limit: u32) -> Result<u64, StoreError> {
        self.single((*before, limit), |connection, context, (before, limit)| {
            purge::purge(connection, context, before, *limit).boxed()
        })
        .await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.single((), |connection, context, ()| single::check(connection, context).boxed()).await
    }
}

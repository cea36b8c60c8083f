//! Who takes batches from a queue, on a connection of its own.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::fault::Fault;
use super::line::Line;
use super::queue::{Queue, Work};
use crate::store::StoreError;

/// After this a batch no longer holds up what waits behind it.
const SLOW: Duration = Duration::from_millis(25);
/// How long a batch that cannot be done together may take.
const ONE_BY_ONE_TIME_MAX: Duration = Duration::from_secs(3);
/// Between two tries to reach a server that is away.
const AWAY_PAUSE: Duration = Duration::from_millis(200);

/// Work that can be done by the batch.
pub(super) trait Job: Work + Sync + Sized {
    /// What became of a batch.
    type Done: Send;

    /// Runs a batch in one transaction; `again` when it may have been committed before.
    fn run<'r>(
        connection: &'r mut Connection,
        issuer_id: &'r str,
        batch: &'r [Self],
        again: bool,
    ) -> BoxFuture<'r, Result<Self::Done, Fault>>;

    /// Tells who waits what became of it.
    fn answer(self, done: &Self::Done);

    /// Leaves in the batch what can be done together, and gives back the rest.
    fn set_apart(_batch: &mut Vec<Self>) -> Vec<Self> {
        Vec::new()
    }
}

/// A batch at work; however it ends, what waits behind its keys goes on.
struct Turn<'q, J: Job> {
    queue: &'q Queue<J>,
    keys: Vec<J::Key>,
    is_slow: bool,
    is_alive: bool,
}

impl<J: Job> Drop for Turn<'_, J> {
    fn drop(&mut self) {
        self.queue.done(&self.keys, self.is_slow, self.is_alive);
    }
}

/// One connection at work on a queue.
pub(super) struct Worker<J: Job> {
    pub(super) queue: Arc<Queue<J>>,
    pub(super) line: Line,
    pub(super) issuer_id: Arc<str>,
}

impl<J: Job> Worker<J> {
    /// Works until the store is dropped. A mistake in one batch costs that batch its answer, and no
    /// other (X46).
    pub(super) async fn work(mut self) {
        while AssertUnwindSafe(self.turns()).catch_unwind().await.is_err() {
            tracing::error!("a batch of the store has panicked");
            self.line.close();
        }
    }

    async fn turns(&mut self) {
        loop {
            self.queue.turn().await;
            if let Err(fault) = self.turn().await {
                self.away(fault).await;
            }
        }
    }

    /// Connects where that is needed, and does one batch; fails when the server is away.
    async fn turn(&mut self) -> Result<(), Fault> {
        self.line.connection().await?;
        let batch = self.queue.take();
        if batch.is_empty() {
            return Ok(()); // others were faster
        }
        let keys = batch.iter().filter_map(Work::key).collect();
        let queue = Arc::clone(&self.queue);
        let mut turn = Turn { queue: &queue, keys, is_slow: false, is_alive: false };
        let mut done = pin!(self.complete(batch));
        let outcome = tokio::select! {
            outcome = &mut done => outcome,
            () = sleep(SLOW) => {
                turn.is_slow = true;
                queue.slow();
                done.await
            }
        };
        turn.is_alive = outcome.is_ok();
        outcome
    }

    /// Runs a batch and answers it.
    async fn complete(&mut self, mut batch: Vec<J>) -> Result<(), Fault> {
        while !batch.is_empty() {
            let rest = J::set_apart(&mut batch);
            match self.insist(&batch, false).await {
                Ok(done) => batch.into_iter().for_each(|step| step.answer(&done)),
                Err(fault @ (Fault::Lost(_) | Fault::Refused(_) | Fault::InDoubt(_))) => {
                    let error = StoreError::from(fault.clone());
                    let untouched = error.with_nothing_written();
                    for step in batch {
                        step.fail(error.clone());
                    }
                    for step in rest {
                        step.fail(untouched.clone());
                    }
                    let is_lost = matches!(fault, Fault::Lost(_));
                    return if is_lost { Err(fault) } else { Ok(()) };
                }
                Err(fault) if batch.len() == 1 => {
                    for step in batch {
                        step.fail(fault.clone().into());
                    }
                }
                Err(Fault::Conflict(_) | Fault::Broken(_)) => self.one_by_one(batch).await,
            }
            batch = rest;
        }
        Ok(())
    }

    /// Runs each step of a batch alone, for as long as anybody can be asked to wait: one that the
    /// server does not like must not take others with it.
    async fn one_by_one(&mut self, batch: Vec<J>) {
        let begun = Instant::now();
        for step in batch {
            if begun.elapsed() > ONE_BY_ONE_TIME_MAX {
                let text = "too many steps are in each other's way";
                step.fail(StoreError::Unavailable(text.to_owned()));
                continue;
            }
            match self.insist(slice::from_ref(&step), true).await {
                Ok(done) => step.answer(&done),
                Err(fault) => step.fail(fault.into()),
            }
        }
    }

    async fn insist(&mut self, batch: &[J], again: bool) -> Result<J::Done, Fault> {
        let step = (&*self.issuer_id, batch);
        self.line
            .insist(&step, again, |connection, (issuer_id, batch), again| {
                J::run(connection, issuer_id, batch, again)
            })
            .await
    }

    /// Nobody waits for a server that is away, but for its return.
    async fn away(&mut self, fault: Fault) {
        let is_lost = matches!(fault, Fault::Lost(_));
        if self.line.is_any_standing() && (!is_lost || self.queue.is_alive()) {
            // It is this connection that the server does not want, or lost: it is others' turn.
            self.queue.pass();
            return sleep(AWAY_PAUSE).await;
        }
        let error = StoreError::from(fault).with_nothing_written();
        tracing::error!(%error, "the database is away");
        self.queue.down(&error);
        while self.line.connection().await.is_err() {
            sleep(AWAY_PAUSE).await;
        }
        self.queue.up();
        tracing::info!("the database is there again");
    }
}

//! Who takes batches from a queue, on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::connection::Connection;
use super::fault::Fault;
use super::line::Line;
use super::queue::{Queue, Work};
use crate::store::StoreError;

/// After this a batch no longer holds up what waits behind it.
const SLOW: Duration = Duration::from_millis(25);
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

/// Works until the store is dropped.
pub(super) async fn work<J: Job>(queue: Arc<Queue<J>>, mut line: Line, issuer_id: Arc<str>) {
    loop {
        queue.turn().await;
        if let Err(fault) = line.connection().await {
            away(&queue, &mut line, &fault.into()).await;
            continue;
        }
        let mut batch = queue.take();
        let keys: Vec<J::Key> = batch.iter().filter_map(Work::key).collect();
        if batch.is_empty() {
            continue;
        }
        let mut was_slow = false;
        {
            let done = async {
                while !batch.is_empty() {
                    let rest = J::set_apart(&mut batch);
                    complete(&mut line, &issuer_id, std::mem::replace(&mut batch, rest)).await;
                }
            };
            tokio::pin!(done);
            tokio::select! {
                () = &mut done => {}
                () = sleep(SLOW) => {
                    was_slow = true;
                    queue.slow();
                    done.await;
                }
            }
        }
        queue.done(&keys, was_slow);
    }
}

/// Nobody waits for a server that is away, but for its return.
async fn away<J: Job>(queue: &Queue<J>, line: &mut Line, error: &StoreError) {
    if line.is_any_standing() {
        // Others have their connections: it is this one that the server does not want.
        return sleep(AWAY_PAUSE).await;
    }
    tracing::error!(%error, "the database is away");
    queue.down(error);
    while !line.is_any_standing() && line.connection().await.is_err() {
        sleep(AWAY_PAUSE).await;
    }
    queue.up();
    tracing::info!("the database is there again");
}

/// Runs a batch and answers it. When it fails for a reason of its own, each step is run alone: one
/// that the server does not like must not take others with it.
async fn complete<J: Job>(line: &mut Line, issuer_id: &str, batch: Vec<J>) {
    let fault = match insist(line, issuer_id, &batch).await {
        Ok(done) => return batch.into_iter().for_each(|step| step.answer(&done)),
        Err(fault) => fault,
    };
    let is_away = matches!(fault, Fault::Lost(_) | Fault::Refused(_));
    if is_away || batch.len() == 1 {
        let error = StoreError::from(fault);
        return batch.into_iter().for_each(|step| step.fail(error.clone()));
    }
    for step in batch {
        match insist(line, issuer_id, std::slice::from_ref(&step)).await {
            Ok(done) => step.answer(&done),
            Err(fault) => step.fail(fault.into()),
        }
    }
}

async fn insist<J: Job>(line: &mut Line, issuer_id: &str, batch: &[J]) -> Result<J::Done, Fault> {
    let step = (issuer_id, batch);
    line.insist(&step, |connection, (issuer_id, batch), again| {
        J::run(connection, issuer_id, batch, again)
    })
    .await
}

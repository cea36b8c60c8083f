//! A connection that is made again when it is lost, and steps that are run again where that is safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

use super::connection::{Connection, Target};
use super::fault::Fault;

/// How long one run of a step may take: longer than the server gives any statement.
const RUN_TIME_MAX: Duration = Duration::from_millis(2500);
/// After so long nothing is run again: who waits is told to come back (X17).
const INSIST_TIME_MAX: Duration = Duration::from_secs(3);
/// Runs of one step.
const RUNS_MAX: u32 = 8;
/// Before the second run; doubles with each.
const PAUSE: Duration = Duration::from_millis(2);

/// One place in the server's list of connections, taken when it is needed.
#[derive(Debug)]
pub(super) struct Line {
    target: Arc<Target>,
    connection: Option<Connection>,
    /// Connections of this kind that stand.
    standing: Arc<AtomicUsize>,
}

impl Line {
    pub(super) fn new(target: Arc<Target>, standing: Arc<AtomicUsize>) -> Self {
        Self { target, connection: None, standing }
    }

    /// Connects unless that was done before.
    pub(super) async fn connection(&mut self) -> Result<&mut Connection, Fault> {
        if self.connection.as_ref().is_some_and(|connection| connection.client.is_closed()) {
            self.close();
        }
        if self.connection.is_none() {
            self.connection = Some(self.target.connect().await?);
            self.standing.fetch_add(1, Ordering::Relaxed);
        }
        self.connection.as_mut().ok_or_else(Fault::silent)
    }

    pub(super) fn close(&mut self) {
        if self.connection.take().is_some() {
            self.standing.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether any line of this kind has a connection.
    pub(super) fn is_any_standing(&self) -> bool {
        self.standing.load(Ordering::Relaxed) > 0
    }

    /// Runs a step until it is done or refused. `run` is told whether it ran before (`again`, or
    /// here): then it may have been committed, and what looks like somebody else's doing may be its
    /// own.
    pub(super) async fn insist<E: Sync, T>(
        &mut self,
        step: &E,
        again: bool,
        run: impl for<'c> Fn(&'c mut Connection, &'c E, bool) -> BoxFuture<'c, Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let begun = Instant::now();
        let mut pause = PAUSE;
        let mut in_doubt = again;
        for count in 1.. {
            let result = match self.connection().await {
                Ok(connection) => {
                    timeout(RUN_TIME_MAX, run(connection, step, again || count > 1)).await
                }
                Err(fault) => Ok(Err(fault)),
            };
            let fault = match result.unwrap_or_else(|_| Err(Fault::silent())) {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            let passes = matches!(fault, Fault::Lost(_) | Fault::Conflict(_));
            if matches!(fault, Fault::Lost(_)) {
                self.close();
                in_doubt = true;
            }
            if !passes || count == RUNS_MAX || begun.elapsed() + pause > INSIST_TIME_MAX {
                return Err(if in_doubt { fault.after_doubt() } else { fault });
            }
            sleep(pause).await;
            pause *= 2;
        }
        Err(Fault::silent())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.close();
    }
}

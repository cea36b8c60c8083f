//! Connections for what is done one by one.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection::{Connection, Target};
use super::fault::Fault;
use super::line::Line;
use crate::store::StoreError;

/// Connections of this kind.
const CONNECTIONS_MAX: usize = 4;
/// How long a step may wait for one of them.
const WAIT_MAX: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pool {
    target: Arc<Target>,
    idle: Mutex<Vec<Line>>,
    free: Semaphore,
}

impl Pool {
    pub(super) fn new(target: Arc<Target>) -> Self {
        let free = Semaphore::new(CONNECTIONS_MAX);
        Self { target, idle: Mutex::default(), free }
    }

    /// Runs one step, with the same patience as a batch has.
    pub(super) async fn run<E: Sync, T>(
        &self,
        step: &E,
        run: impl for<'c> Fn(&'c mut Connection, &'c E, bool) -> BoxFuture<'c, Result<T, Fault>>,
    ) -> Result<T, StoreError> {
        let busy = || StoreError::Unavailable("too many steps wait".to_owned());
        let permit = timeout(WAIT_MAX, self.free.acquire()).await.map_err(|_| busy())?;
        let _permit = permit.map_err(|_| busy())?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut line = idle.unwrap_or_else(|| {
            let standing = Arc::new(AtomicUsize::new(0));
            Line::new(Arc::clone(&self.target), standing)
        });
        let done = line.insist(step, false, run).await;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        Ok(done?)
    }
}

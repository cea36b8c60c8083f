//! The one writer: steps that wait at the same time share one commit, and one wait for the disk.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::journal::Journal;
use crate::store::StoreError;

/// Steps that may wait; more are refused at once, so that overload shows early (Q04).
const QUEUE_MAX: usize = 4096;
/// Steps in one commit.
const BATCH_MAX: usize = 256;

/// How many came together lately, for the writer to wait for more.
const TOGETHER_MIN: usize = 3;
/// How long it waits then.
const LINGER: Duration = Duration::from_millis(1);

/// What a step leaves behind.
pub(super) enum Step<T> {
    /// What it wrote is to be committed.
    Keep(T),
    /// What it wrote is to be forgotten; other steps of the same commit stay.
    Undo(T),
}

impl<T> Step<T> {
    fn value(self) -> T {
        match self {
            Self::Keep(value) | Self::Undo(value) => value,
        }
    }
}

/// How much of a step there is to undo.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extent {
    /// A statement does all or nothing by itself, and every step of this kind is kept.
    OneStatement,
    /// The first may have written when the second fails.
    Several,
}

/// Tells the waiting caller, after the commit, how it went.
type Reply = Box<dyn FnOnce(&Result<(), StoreError>) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Reply + Send>;

/// Hands steps to the thread that owns the writing connection.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    pub(super) fn start(connection: Connection, journal: Journal) -> Result<Self, StoreError> {
        let (jobs, waiting) = sync_channel(QUEUE_MAX);
        thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&connection, &journal, &waiting))
            .map_err(|error| StoreError::Broken(format!("no thread for the writer: {error}")))?;
        Ok(Self { jobs })
    }

    /// Runs `step` and returns once it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        extent: Extent,
        step: impl FnOnce(&Connection) -> rusqlite::Result<Step<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Where no transaction is open (it did not begin, or a full disk has ended it) a step
            // would commit by itself and yet be answered as failed.
            let outcome = (!connection.is_autocommit()).then(|| match extent {
                Extent::OneStatement => step(connection).map(Step::value),
                Extent::Several => savepoint(connection, step),
            });
            Box::new(move |committed: &Result<(), StoreError>| {
                let outcome = match (committed, outcome) {
                    (Ok(()), Some(Ok(value))) => Ok(value),
                    (_, Some(Err(error))) => Err(error.into()),
                    (Err(error), _) => Err(error.clone()),
                    (Ok(()), None) => Err(StoreError::Broken("the step did not run".into())),
                };
                drop(answer.send(outcome)); // the caller may have gone away
            })
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable("too many steps wait".into()),
            TrySendError::Disconnected(_) => stopped(),
        })?;
        result.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> StoreError {
    StoreError::Broken("the writer has stopped".into())
}

fn savepoint<T>(
    connection: &Connection,
    step: impl FnOnce(&Connection) -> rusqlite::Result<Step<T>>,
) -> rusqlite::Result<T> {
    execute(connection, "SAVEPOINT step")?;
    let outcome = step(connection);
    if !matches!(outcome, Ok(Step::Keep(_))) {
        execute(connection, "ROLLBACK TO step")?;
    }
    execute(connection, "RELEASE step")?;
    outcome.map(Step::value)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn run(connection: &Connection, journal: &Journal, waiting: &Receiver<Job>) {
    let mut usual = 0; // in sixteenths, as it moves slowly
    while let Ok(first) = waiting.recv() {
        let mut jobs = gather(first, waiting, usual / 16);
        let began = execute(connection, "BEGIN IMMEDIATE");
        // That may have taken long, where another program held the lock: whoever came meanwhile has
        // waited as well, and is answered with the others.
        let room = BATCH_MAX - jobs.len();
        jobs.extend(waiting.try_iter().take(room));
        usual = (3 * usual + 16 * jobs.len()) / 4;
        let replies: Vec<Reply> = jobs.into_iter().map(|job| job(connection)).collect();
        let committed = began.map_err(StoreError::from).and_then(|()| {
            journal.sync().map_err(|error| {
                StoreError::Unavailable(format!("the journal of revocations: {error}"))
            })?;
            Ok(execute(connection, "COMMIT")?)
        });
        if committed.is_err() && !connection.is_autocommit() {
            // A failed commit leaves the transaction open; what is in it was promised to nobody.
            drop(execute(connection, "ROLLBACK"));
        }
        for reply in replies {
            reply(&committed);
        }
    }
}

/// What shares one commit. Waiting for the disk is what costs: when several came together lately,
/// a moment more lets the others come along; whoever is alone waits for nobody. It is slept through,
/// as to be woken by each of them would cost more than what it saves.
fn gather(first: Job, waiting: &Receiver<Job>, usual: usize) -> Vec<Job> {
    let mut jobs = vec![first];
    jobs.extend(waiting.try_iter().take(BATCH_MAX - 1));
    if usual >= TOGETHER_MIN && jobs.len() < BATCH_MAX {
        thread::sleep(LINGER);
        let room = BATCH_MAX - jobs.len();
        jobs.extend(waiting.try_iter().take(room));
    }
    jobs
}

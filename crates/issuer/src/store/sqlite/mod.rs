//! SQLite, the default: one writer, readers beside it, every commit on disk before the answer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use keys::outside::Timestamp;
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, Redemption, StatusEntry};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};
use serde_json::{Map, Value};

use super::columns::APPLICATION_COLUMNS;
use super::{
    ApplicationPage, NewOffer, OfferPage, Opened, PurgeBefore, Recorded, Redeemed, Store,
    StoreError,
};
use crate::application::{Application, ApplicationId, ApplicationState};
use journal::Journal;
use writer::{Extent, Step, Writer};

mod authorization;
mod backup;
mod client;
mod deferral;
mod external;
mod held;
mod journal;
mod migrations;
mod purge;
mod redeem;
mod restored_lists;
mod rows;
mod status;
mod steps;
mod transfer;
mod writer;

pub use backup::{BackupError, Restored, backup, restore};
pub use journal::{JournalContent, journal_path, read_journal};
pub use migrations::{migrate, schema};

pub(super) use journal::journal_of_another;
#[cfg(test)]
pub(super) use migrations::MIGRATIONS;
pub(super) use transfer::SqliteEnd;

/// How long a reader or another process may hold a lock that we need.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Reading connections that are kept open.
const READERS_MAX: usize = 8;

/// The engine.
#[derive(Debug)]
pub struct Sqlite {
    /// Begins every key: one database can hold several issuers.
    issuer_id: Arc<str>,
    file: DatabaseFile,
    journal: Journal,
    writer: Writer,
    readers: Arc<Readers>,
}

/// The file that we opened; another one at its path gets nothing of what we write.
#[derive(Debug)]
struct DatabaseFile {
    path: PathBuf,
    #[cfg(unix)]
    identity: (u64, u64),
}

impl DatabaseFile {
    fn of(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            #[cfg(unix)]
            identity: identity(path)?,
        })
    }

    /// Fails when somebody took the file away: what is written to it would be lost at the next start.
    fn check(&self) -> Result<(), StoreError> {
        #[cfg(unix)]
        if identity(&self.path)? != self.identity {
            let text = format!("{} is another file than the one in use", self.path.display());
            return Err(StoreError::Unavailable(text));
        }
        Ok(())
    }
}

/// Device and number of a file.
#[cfg(unix)]
fn identity(path: &Path) -> Result<(u64, u64), StoreError> {
    use std::os::unix::fs::MetadataExt as _;
    let gone = |error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    path.metadata().map(|metadata| (metadata.dev(), metadata.ino())).map_err(gone)
}

impl Sqlite {
    /// Opens a database that [`migrate`] has made ready.
    pub fn open(path: &Path, issuer_id: &str) -> Result<Self, StoreError> {
        schema(path)?.ready(&path.display().to_string())?;
        let journal = Journal::open(path).map_err(|error| {
            StoreError::Unavailable(format!("{}: {error}", journal_path(path).display()))
        })?;
        Ok(Self {
            issuer_id: issuer_id.into(),
            file: DatabaseFile::of(path)?,
            writer: Writer::start(connect(path)?, journal.clone())?,
            journal,
            readers: Arc::new(Readers { path: path.to_owned(), idle: Mutex::default() }),
        })
    }

    /// Reads a few rows by their key, where it is called: that takes microseconds, less than to hand
    /// it to another thread and back.
    fn look<T>(
        &self,
        query: impl FnOnce(&Connection, &str) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.readers.with(|connection| query(connection, &self.issuer_id))
    }

    /// Runs a query that may read many rows, beside everything else.
    async fn list<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection, &str) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (issuer_id, readers) = (Arc::clone(&self.issuer_id), Arc::clone(&self.readers));
        let task = tokio::task::spawn_blocking(move || {
            readers.with(|connection| query(connection, &issuer_id))
        });
        task.await.unwrap_or_else(|error| Err(StoreError::Broken(error.to_string())))
    }

    async fn write<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection, &str) -> rusqlite::Result<Step<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let issuer_id = Arc::clone(&self.issuer_id);
        let step = move |connection: &Connection| step(connection, &issuer_id);
        self.writer.write(Extent::Several, step).await
    }

    /// The same for a step of one statement, which costs less.
    async fn write_one<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&Connection, &str) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let issuer_id = Arc::clone(&self.issuer_id);
        let step = move |connection: &Connection| statement(connection, &issuer_id).map(Step::Keep);
        self.writer.write(Extent::OneStatement, step).await
    }
}

/// Connections that read, kept open for the next one.
#[derive(Debug)]
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn with<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| connect(&self.path), Ok)?;
        let outcome = query(&connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS_MAX {
            idle.push(connection);
        }
        Ok(outcome)
    }
}

/// WAL lets readers go on while the writer commits; FULL waits for the disk at every commit.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?; // a restored database has none yet
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory,
            ) => Self::Unavailable(error.to_string()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn open_offer(&self, offer: NewOffer) -> Result<Opened, StoreError> {
        self.write(move |connection, issuer| steps::open_offer(connection, issuer, &offer)).await
    }

    async fn grant(&self, id: OfferId) -> Result<Option<Grant>, StoreError> {
        self.look(|connection, issuer| steps::grant(connection, issuer, id))
    }

    async fn datasets(&self, id: OfferId) -> Result<Option<Map<String, Value>>, StoreError> {
        let text: Option<String> = self.look(|connection, issuer| {
            let sql = "SELECT datasets FROM datasets WHERE issuer_id = ?1 AND offer_id = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row((issuer, id.0), |row| row.get(0)).optional()
        })?;
        let parsed = text.map(|text| serde_json::from_str(&text)).transpose();
        parsed.map_err(|error| StoreError::Broken(error.to_string()))
    }

    async fn note_fetched(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError> {
        self.write_one(move |connection, issuer| {
            let sql = "UPDATE offers SET fetched_at = ?3 \
                       WHERE issuer_id = ?1 AND offer_id = ?2 AND fetched_at IS NULL";
            connection.prepare_cached(sql)?.execute((issuer, id.0, now.0))?;
            Ok(())
        })
        .await
    }

    async fn redeem(&self, seen: &Grant, redemption: &Redemption) -> Result<bool, StoreError> {
        let (id, attempts, redemption) = (seen.id, seen.attempts, redemption.clone());
        self.write_one(move |connection, issuer| {
            redeem::redeem(connection, issuer, (id, attempts), &redemption)
        })
        .await
    }

    async fn redeem_proved(
        &self,
        seen: &Grant,
        redemption: &Redemption,
        used: &[UsedJti],
    ) -> Result<Redeemed, StoreError> {
        let (id, attempts, redemption) = (seen.id, seen.attempts, redemption.clone());
        let used = used.to_vec();
        self.write(move |connection, issuer| {
            redeem::redeem_proved(connection, issuer, (id, attempts), (&redemption, &used))
        })
        .await
    }

    async fn redeem_again(
        &self,
        seen: &Grant,
        redemption: &Redemption,
        used: &[UsedJti],
    ) -> Result<Redeemed, StoreError> {
        let token = seen.redemption.as_ref().map(|redemption| redemption.token_digest);
        let Some(token) = token else { return Ok(Redeemed::Changed) };
        let (id, redemption, used) = (seen.id, redemption.clone(), used.to_vec());
        self.write(move |connection, issuer| {
            redeem::redeem_again(connection, issuer, (id, token), (&redemption, &used))
        })
        .await
    }

    async fn count_wrong_tx_code(&self, seen: &Grant) -> Result<bool, StoreError> {
        let (id, attempts) = (seen.id, seen.attempts);
        self.write_one(move |connection, issuer| {
            let sql = "UPDATE offers SET attempts = attempts + 1 WHERE issuer_id = ?1 \
                       AND offer_id = ?2 AND redeemed_at IS NULL AND attempts = ?3";
            let rows = connection.prepare_cached(sql)?.execute((issuer, id.0, attempts))?;
            Ok(rows == 1)
        })
        .await
    }

    async fn record_issuance(
        &self,
        record: &Record<'_>,
        nonces: &[SpendableNonce],
        entries: &[StatusEntry],
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let issuance = steps::Issuance::of(record, nonces, entries, now);
        self.write(move |connection, issuer| steps::record_issuance(connection, issuer, &issuance))
            .await
    }

    async fn withdraw_offer(&self, id: OfferId, now: Timestamp) -> Result<bool, StoreError> {
        self.write_one(move |connection, issuer| {
            let sql = "UPDATE offers SET withdrawn_at = ?3 WHERE issuer_id = ?1 \
                       AND offer_id = ?2 AND withdrawn_at IS NULL AND issued_count = 0";
            let rows = connection.prepare_cached(sql)?.execute((issuer, id.0, now.0))?;
            Ok(rows == 1)
        })
        .await
    }

    async fn offers(&self, page: OfferPage) -> Result<Vec<Grant>, StoreError> {
        self.list(move |connection, issuer| steps::offers(connection, issuer, &page)).await
    }

    async fn open_application(&self, application: Application) -> Result<(), StoreError> {
        self.write(move |connection, issuer| {
            steps::open_application(connection, issuer, &application)
        })
        .await
    }

    async fn application(&self, id: ApplicationId) -> Result<Option<Application>, StoreError> {
        self.look(|connection, issuer| {
            let sql = format!(
                "SELECT {APPLICATION_COLUMNS} FROM applications \
                 WHERE issuer_id = ?1 AND application_id = ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row((issuer, id.0.0), rows::application).optional()
        })
    }

    async fn applications(&self, page: ApplicationPage) -> Result<Vec<Application>, StoreError> {
        self.list(move |connection, issuer| steps::applications(connection, issuer, &page)).await
    }

    async fn decide_application(
        &self,
        seen: &Application,
        state: ApplicationState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, seen_state, approvals) = (seen.id, seen.state, seen.approvals);
        let approved = u32::from(state == ApplicationState::Approved);
        self.write_one(move |connection, issuer| {
            let sql = "UPDATE applications SET state = ?3, decided_at = ?4, \
                       approvals = approvals + ?5, offer_id = NULL WHERE issuer_id = ?1 \
                       AND application_id = ?2 AND state = ?6 AND approvals = ?7";
            let values =
                (issuer, id.0.0, state.name(), now.0, approved, seen_state.name(), approvals);
            let rows = connection.prepare_cached(sql)?.execute(values)?;
            Ok(rows == 1)
        })
        .await
    }

    async fn purge(&self, before: &PurgeBefore, limit: u32) -> Result<u64, StoreError> {
        let before = *before;
        self.write(move |connection, issuer| purge::purge(connection, issuer, &before, limit)).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.file.check()?;
        self.write_one(|connection, issuer| {
            // A change, as only that needs room on the disk; the value means nothing.
            let sql = "INSERT INTO checks (issuer_id, count) VALUES (?1, 1) \
                       ON CONFLICT (issuer_id) DO UPDATE SET count = 1 - count";
            connection.prepare_cached(sql)?.execute([issuer])?;
            Ok(())
        })
        .await
    }
}

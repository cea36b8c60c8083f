//! Status lists in SQLite.

use async_trait::async_trait;
use formats::status_list::{Bits, Status};
use keys::outside::Timestamp;
use oid4vci::grant::{Issued, StatusEntry};
use oid4vci::offer::OfferId;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension as _, Row};

use super::journal::Journal;
use super::writer::Step;
use super::{Sqlite, rows};
use crate::store::StoreError;
use crate::store::status::{ChangePlace, Lease, NewLease, StatusChange, StatusStore, StoredList};

#[async_trait]
impl StatusStore for Sqlite {
    async fn lease_entries(&self, wanted: &NewLease) -> Result<Lease, StoreError> {
        let wanted = wanted.clone();
        let step = move |connection: &Connection, issuer: &str| {
            if let Some(leased) = lease(connection, issuer, &wanted)? {
                return Ok(Step::Keep(Some(leased)));
            }
            open_list(connection, issuer, &wanted)?;
            Ok(Step::Keep(lease(connection, issuer, &wanted)?))
        };
        let leased = self.write(step).await?;
        leased.ok_or_else(|| StoreError::Broken("a list without entries was opened".into()))
    }

    async fn status_lists(&self, after: u64) -> Result<Vec<StoredList>, StoreError> {
        self.list(move |connection, issuer| {
            let sql = "SELECT list_id, bits, size FROM status_lists \
                       WHERE issuer_id = ?1 AND list_id > ?2 ORDER BY list_id";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map((issuer, after), |row| stored_list(row, 0))?.collect()
        })
        .await
    }

    async fn statuses(&self, entries: &[StatusEntry]) -> Result<Vec<Status>, StoreError> {
        let entries = entries.to_vec();
        self.list(move |connection, issuer| {
            entries.iter().map(|entry| status(connection, issuer, *entry)).collect()
        })
        .await
    }

    async fn set_statuses(
        &self,
        wanted: &[(StatusEntry, Status)],
        now: Timestamp,
    ) -> Result<Vec<Status>, StoreError> {
        let (wanted, journal) = (wanted.to_vec(), self.journal.clone());
        self.write(move |connection, issuer| {
            for one in &wanted {
                set(connection, (issuer, &journal), *one, now)?;
            }
            let entries = wanted.iter().map(|(entry, _)| status(connection, issuer, *entry));
            Ok(Step::Keep(entries.collect::<rusqlite::Result<_>>()?))
        })
        .await
    }

    async fn status_changes(
        &self,
        after: &ChangePlace,
        limit: u32,
    ) -> Result<Vec<StatusChange>, StoreError> {
        let ChangePlace { changed_at, entry } = *after;
        self.list(move |connection, issuer| {
            let sql = "SELECT list_id, idx, status, changed_at FROM statuses WHERE issuer_id = ?1 \
                       AND (changed_at, list_id, idx) > (?2, ?3, ?4) \
                       ORDER BY changed_at, list_id, idx LIMIT ?5";
            let mut statement = connection.prepare_cached(sql)?;
            let values = (issuer, changed_at.0, entry.list, entry.idx, limit);
            statement.query_map(values, change)?.collect()
        })
        .await
    }

    async fn issued(&self, id: OfferId) -> Result<Vec<Issued>, StoreError> {
        self.look(|connection, issuer| rows::issuances(connection, issuer, id))
    }

    async fn end_offer(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection, issuer| {
            let sql = "UPDATE offers SET withdrawn_at = ?3 WHERE issuer_id = ?1 \
                       AND offer_id = ?2 AND withdrawn_at IS NULL AND issued_count > 0";
            connection.prepare_cached(sql)?.execute((issuer, id.0, now.0))?;
            Ok(Step::Keep(()))
        })
        .await
    }
}

/// Takes entries of the newest list that is open; `leased` may end above `size`.
fn lease(
    connection: &Connection,
    issuer_id: &str,
    wanted: &NewLease,
) -> rusqlite::Result<Option<Lease>> {
    let sql = "UPDATE status_lists SET leased = leased + ?2 WHERE issuer_id = ?1 \
               AND list_id = (SELECT max(list_id) FROM status_lists WHERE issuer_id = ?1 \
               AND bits = ?3 AND size = ?4 AND closed = 0) AND leased < size \
               RETURNING list_id, bits, size, leased, shuffle_key";
    let values = (issuer_id, wanted.count, wanted.bits.count(), wanted.size);
    let leased = connection.prepare_cached(sql)?.query_row(values, |row| {
        let (list, leased) = (stored_list(row, 0)?, row.get::<_, u64>(3)?);
        let start = leased.saturating_sub(wanted.count);
        Ok(Lease { list, shuffle_key: row.get(4)?, start, end: leased.min(list.size) })
    });
    leased.optional()
}

/// Opens the next list; nothing happens when somebody else has just done so.
fn open_list(connection: &Connection, issuer_id: &str, new: &NewLease) -> rusqlite::Result<()> {
    let sql = "INSERT INTO status_lists (issuer_id, list_id, bits, size, leased, shuffle_key, \
               created_at, closed) SELECT ?1, coalesce(max(list_id), 0) + 1, ?2, ?3, 0, ?4, ?5, 0 \
               FROM status_lists WHERE issuer_id = ?1";
    let values = (issuer_id, new.bits.count(), new.size, new.shuffle_key, new.now.0);
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn status(
    connection: &Connection,
    issuer_id: &str,
    entry: StatusEntry,
) -> rusqlite::Result<Status> {
    let sql = "SELECT status FROM statuses WHERE issuer_id = ?1 AND list_id = ?2 AND idx = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let value = statement.query_row((issuer_id, entry.list, entry.idx), |row| row.get(0));
    Ok(Status::of(value.optional()?.unwrap_or_default()))
}

/// What is changed goes to the journal, which is on disk before the commit.
fn set(
    connection: &Connection,
    (issuer_id, journal): (&str, &Journal),
    (entry, status): (StatusEntry, Status),
    now: Timestamp,
) -> rusqlite::Result<()> {
    if !change_status(connection, issuer_id, (entry, status), now)? {
        return Ok(());
    }
    let change = StatusChange { entry, status, changed_at: now };
    journal.append(issuer_id, &change).map_err(|error| {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
        Error::SqliteFailure(code, Some(format!("the journal of revocations: {error}")))
    })
}

/// One conditional write; `false` when it changes nothing.
pub(super) fn change_status(
    connection: &Connection,
    issuer_id: &str,
    (entry, status): (StatusEntry, Status),
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = if status == Status::Valid {
        "UPDATE statuses SET status = ?4, changed_at = max(?5, (SELECT max(changed_at) \
         FROM statuses WHERE issuer_id = ?1)) WHERE issuer_id = ?1 AND list_id = ?2 AND idx = ?3 \
         AND status = ?6"
    } else {
        "INSERT INTO statuses (issuer_id, list_id, idx, status, changed_at) VALUES (?1, ?2, ?3, \
         ?4, max(?5, (SELECT coalesce(max(changed_at), 0) FROM statuses WHERE issuer_id = ?1))) \
         ON CONFLICT (issuer_id, list_id, idx) DO UPDATE SET status = excluded.status, \
         changed_at = excluded.changed_at WHERE statuses.status NOT IN (excluded.status, ?6)"
    };
    // What the row must be, to be reinstated; what it must not be, to be changed otherwise.
    let bound = if status == Status::Valid { Status::Suspended } else { Status::Invalid };
    let values = (issuer_id, entry.list, entry.idx, status.value(), now.0, bound.value());
    Ok(connection.prepare_cached(sql)?.execute(values)? == 1)
}

fn stored_list(row: &Row<'_>, first: usize) -> rusqlite::Result<StoredList> {
    let bits = Bits::parse(row.get(first + 1)?);
    let unknown = || Error::InvalidColumnType(first + 1, "bits".into(), Type::Integer);
    Ok(StoredList {
        number: row.get(first)?,
        bits: bits.ok_or_else(unknown)?,
        size: row.get(first + 2)?,
    })
}

fn change(row: &Row<'_>) -> rusqlite::Result<StatusChange> {
    Ok(StatusChange {
        entry: StatusEntry { list: row.get(0)?, idx: row.get(1)? },
        status: Status::of(row.get(2)?),
        changed_at: Timestamp(row.get(3)?),
    })
}

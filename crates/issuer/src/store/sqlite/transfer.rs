//! SQLite as one end of a transfer. As long as it is open here, nothing else can open it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use formats::status_list::Status;
use keys::outside::Timestamp;
use oid4vci::grant::StatusEntry;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, ToSql, params_from_iter};

use super::backup::{beside, settle};
use super::journal::{Journal, journal_of_another, journal_path};
use super::migrations::{create, is_marked, run};
use crate::store::StoreError;
use crate::store::status::StatusChange;
use crate::store::transfer::tables::{MARKER, TABLES, Table, places};
use crate::store::transfer::value::{Row, Value, unexpected};
use crate::store::transfer::{End, Marker};

/// How long another program may have it open: one that was just killed, or a command.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// Stands before the number of a value.
const SIGN: char = '?';

/// One database file, for us alone.
pub(in crate::store) struct SqliteEnd {
    connection: Connection,
    path: PathBuf,
}

impl SqliteEnd {
    /// Opens a file, and makes it when there is none; `None` when something else has it open.
    pub(in crate::store) fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        create(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        match Self::take(&connection) {
            Ok(()) => Ok(Some(Self { connection, path: path.to_owned() })),
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// The lock is kept from the first transaction until the connection is closed.
    fn take(connection: &Connection) -> rusqlite::Result<()> {
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")
    }

    /// The journal begins with what is not valid, so that it knows no less than the database; it
    /// has its name before any node can open the database.
    fn begin_journal(&self) -> Result<(), StoreError> {
        let path = journal_path(&self.path);
        let fault = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{}: {error}", path.display()))
        };
        let unfinished = beside(&path, "unfinished");
        drop(fs::remove_file(&unfinished)); // of an attempt that was killed
        let journal = Journal::at(&unfinished).map_err(|error| fault(&error))?;
        let sql = "SELECT issuer_id, list_id, idx, status, changed_at FROM statuses \
                   ORDER BY issuer_id, changed_at, list_id, idx";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let change = StatusChange {
                entry: StatusEntry { list: row.get(1)?, idx: row.get(2)? },
                status: Status::of(row.get(3)?),
                changed_at: Timestamp(row.get(4)?),
            };
            let issuer_id: String = row.get(0)?;
            journal.append(&issuer_id, &change).map_err(|error| fault(&error))?;
        }
        settle(&unfinished, &path).map_err(|error| fault(&error))
    }
}

#[async_trait(?Send)]
impl End for SqliteEnd {
    async fn is_in_use(&mut self) -> Result<bool, StoreError> {
        Ok(false) // by the lock
    }

    async fn migrate(&mut self) -> Result<(), StoreError> {
        run(&mut self.connection).map(drop)
    }

    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM pragma_table_info(?1) WHERE name != 'issuer_id'";
        let mut statement = self.connection.prepare(sql)?;
        let names = statement.query_map([table.name], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    async fn issuer(
        &mut self,
        table: &Table,
        after: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        let sql = table.issuer_sql(SIGN, after.is_some());
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([after.unwrap_or_default()], |row| row.get(0)).optional()?)
    }

    async fn page(
        &mut self,
        table: &Table,
        issuer_id: &str,
        after: Option<&[Value]>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = table.page_sql(SIGN, after.is_some());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let issuer = Part::Issuer(issuer_id);
        let key = after.unwrap_or_default().iter().map(Part::Value);
        let mut rows = statement.query(params_from_iter(std::iter::once(issuer).chain(key)))?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(read(row, table.columns.len())?);
        }
        Ok(page)
    }

    async fn last(&mut self, table: &Table, issuer_id: &str) -> Result<Option<Row>, StoreError> {
        let mut statement = self.connection.prepare_cached(&table.last_sql(SIGN))?;
        let mut rows = statement.query([issuer_id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        read(row, table.key_length).map(Some)
    }

    async fn append(
        &mut self,
        table: &Table,
        issuer_id: &str,
        rows: &[Row],
    ) -> Result<(), StoreError> {
        let (name, columns) = (table.name, Table::names(table.columns));
        let places = places(SIGN, 1, table.columns.len() + 1);
        let sql = format!("INSERT INTO {name} (issuer_id, {columns}) VALUES ({places})");
        let transaction = self.connection.transaction()?;
        let mut statement = transaction.prepare_cached(&sql)?;
        for row in rows {
            let issuer = Part::Issuer(issuer_id);
            let values = std::iter::once(issuer).chain(row.iter().map(Part::Value));
            statement.execute(params_from_iter(values))?;
        }
        drop(statement);
        Ok(transaction.commit()?)
    }

    async fn marker(&mut self) -> Result<Option<Marker>, StoreError> {
        if !is_marked(&self.connection)? {
            return Ok(None);
        }
        let sql = format!("SELECT source, digest FROM {MARKER}");
        let marker = self
            .connection
            .query_row(&sql, [], |row| Ok(Marker { source: row.get(0)?, digest: row.get(1)? }))?;
        Ok(Some(marker))
    }

    fn journal_of_another(&self) -> Option<PathBuf> {
        journal_of_another(&self.path)
    }

    async fn begin(&mut self, marker: &Marker, emptied: bool) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        if emptied {
            for table in &TABLES {
                transaction.execute(&format!("DELETE FROM {}", table.name), [])?;
            }
        }
        transaction.execute_batch(&format!(
            "DROP TABLE IF EXISTS {MARKER}; \
             CREATE TABLE {MARKER} (source TEXT NOT NULL, digest TEXT NOT NULL)"
        ))?;
        let sql = format!("INSERT INTO {MARKER} (source, digest) VALUES (?1, ?2)");
        transaction.execute(&sql, [&marker.source, &marker.digest])?;
        Ok(transaction.commit()?)
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        self.begin_journal()?;
        Ok(self.connection.execute_batch(&format!("DROP TABLE {MARKER}"))?)
    }
}

fn read(row: &rusqlite::Row<'_>, count: usize) -> Result<Row, StoreError> {
    (0..count).map(|place| value(row.get_ref(place)?)).collect()
}

fn value(value: ValueRef<'_>) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| unexpected())?;
            Ok(Value::Text(text.to_owned()))
        }
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(unexpected()),
    }
}

/// One value of a statement.
enum Part<'v> {
    Issuer(&'v str),
    Value(&'v Value),
}

impl ToSql for Part<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Issuer(text) => ValueRef::Text(text.as_bytes()),
            Self::Value(Value::Null) => ValueRef::Null,
            Self::Value(Value::Integer(number)) => ValueRef::Integer(*number),
            Self::Value(Value::Text(text)) => ValueRef::Text(text.as_bytes()),
            Self::Value(Value::Bytes(bytes)) => ValueRef::Blob(bytes),
        }))
    }
}

//! Numbered, forward only, never edited once released; run by `bestow issuer migrate` alone.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::store::transfer::tables::MARKER;
use crate::store::{Schema, StoreError};

pub(in crate::store) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_offers.sql"),
    include_str!("../migrations/sqlite/0002_status_lists.sql"),
    include_str!("../migrations/sqlite/0003_senders.sql"),
    include_str!("../migrations/sqlite/0004_authorizations.sql"),
    include_str!("../migrations/sqlite/0005_deferrals.sql"),
    include_str!("../migrations/sqlite/0006_sign_in.sql"),
    include_str!("../migrations/sqlite/0007_drafts.sql"),
    include_str!("../migrations/sqlite/0008_held_offers.sql"),
];

/// Reads which migrations a database has seen; changes nothing.
pub fn schema(path: &Path) -> Result<Schema, StoreError> {
    if !path.exists() {
        return Ok(Schema::Missing);
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if is_marked(&connection)? {
        return Ok(Schema::Unfinished);
    }
    Ok(Schema::of(version(&connection)?, MIGRATIONS.len()))
}

/// Brings a database to the present schema, making it when there is none; says how many migrations
/// it ran. One transaction: killed halfway, nothing has happened.
pub fn migrate(path: &Path) -> Result<usize, StoreError> {
    create(path)?;
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    run(&mut connection)
}

pub(super) fn run(connection: &mut Connection) -> Result<usize, StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let seen = version(&transaction)?;
    let missing = Schema::missing(seen, MIGRATIONS)?;
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.commit()?;
    Ok(missing.len())
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether a transfer into it has not ended.
pub(super) fn is_marked(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
    connection.query_row(sql, [MARKER], |row| row.get(0))
}

/// It holds personal data: readable by its owner alone from its first moment.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let created = options.open(path).map(drop);
    created.map_err(|error| StoreError::Broken(format!("{}: {error}", path.display())))
}

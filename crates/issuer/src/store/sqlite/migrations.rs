//! Numbered, forward only, never edited once released; run by `bestow issuer migrate` alone.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::store::{Schema, StoreError};

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_offers.sql"),
    include_str!("../migrations/sqlite/0002_status_lists.sql"),
    include_str!("../migrations/sqlite/0005_deferrals.sql"),
];

/// Reads which migrations a database has seen; changes nothing.
pub fn schema(path: &Path) -> Result<Schema, StoreError> {
    if !path.exists() {
        return Ok(Schema::Missing);
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Ok(Schema::of(version(&connection)?, MIGRATIONS.len()))
}

/// Brings a database to the present schema, making it when there is none; says how many migrations
/// it ran. One transaction: killed halfway, nothing has happened.
pub fn migrate(path: &Path) -> Result<usize, StoreError> {
    create(path).map_err(|error| StoreError::Broken(format!("{}: {error}", path.display())))?;
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
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

/// It holds personal data: readable by its owner alone from its first moment.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

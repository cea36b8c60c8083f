//! Numbered, forward only, never edited once released; run by `bestow issuer migrate` alone.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::Options;
use super::connection::Target;
use super::fault::Fault;
use crate::store::transfer::tables::MARKER;
use crate::store::{Schema, StoreError};

pub(in crate::store) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001_offers.sql"),
    include_str!("../migrations/postgres/0002_status_lists.sql"),
    include_str!("../migrations/postgres/0003_senders.sql"),
    include_str!("../migrations/postgres/0004_authorizations.sql"),
    include_str!("../migrations/postgres/0005_deferrals.sql"),
    include_str!("../migrations/postgres/0006_sign_in.sql"),
    include_str!("../migrations/postgres/0007_drafts.sql"),
    include_str!("../migrations/postgres/0008_held_offers.sql"),
];

/// A row for each migration that was run: two that run at once want the same row, and one gets it.
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS bestow_migrations (version BIGINT PRIMARY KEY)";

/// A migration may take longer than a step, and wait for another one.
pub(super) const SETTINGS: &str = "SET statement_timeout = 0; SET lock_timeout = 60000;
SET idle_in_transaction_session_timeout = 0";

/// Times that another `migrate` may be faster.
const RACES_MAX: usize = 16;

/// Reads which migrations a database has seen; changes nothing.
pub async fn schema(options: &Options<'_>) -> Result<Schema, StoreError> {
    let connection = Target::new(options)?.connect().await?;
    schema_of(&connection.client).await
}

pub(super) async fn schema_of(client: &Client) -> Result<Schema, StoreError> {
    if is_marked(client).await? {
        return Ok(Schema::Unfinished);
    }
    Ok(Schema::of(version(client).await.map_err(Fault::from)?, MIGRATIONS.len()))
}

/// Whether a transfer into it has not ended.
async fn is_marked(client: &Client) -> Result<bool, Fault> {
    match client.query_opt(&format!("SELECT 1 FROM {MARKER} LIMIT 1"), &[]).await {
        Ok(row) => Ok(row.is_some()),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Brings a database to the present schema; says how many migrations it ran. Each is one
/// transaction: killed halfway, it has not happened.
pub async fn migrate(options: &Options<'_>) -> Result<usize, StoreError> {
    let mut connection = Target::new(options)?.connect().await?;
    migrate_on(&mut connection.client).await
}

pub(super) async fn migrate_on(client: &mut Client) -> Result<usize, StoreError> {
    client.batch_execute(SETTINGS).await.map_err(Fault::from)?;
    let (mut done, mut races) = (0, 0);
    loop {
        let seen = version(client).await.map_err(Fault::from)?;
        let Some(next) = Schema::missing(seen, MIGRATIONS)?.first() else { return Ok(done) };
        match run(client, seen, next).await {
            Ok(()) => done += 1,
            // Somebody else makes the same table or row in this moment: look again.
            Err(error) if is_race(&error) && races < RACES_MAX => races += 1,
            Err(error) => return Err(Fault::from(error).into()),
        }
    }
}

async fn version(client: &Client) -> Result<usize, Error> {
    match client.query_one("SELECT count(*) FROM bestow_migrations", &[]).await {
        Ok(row) => Ok(usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default()),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error),
    }
}

async fn run(client: &mut Client, seen: usize, migration: &str) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(VERSIONS).await?;
    let number = i64::try_from(seen + 1).unwrap_or(i64::MAX);
    let sql = "INSERT INTO bestow_migrations (version) VALUES ($1)";
    transaction.execute(sql, &[&number]).await?;
    transaction.batch_execute(migration).await?;
    transaction.commit().await
}

fn is_race(error: &Error) -> bool {
    let races = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.code().is_some_and(|code| races.contains(code))
}

//! Which engine the operator chose, and what is asked of either.

use keys::outside::Random;

use super::postgres::{self, Options, Postgres};
use super::sqlite::{self, Sqlite};
use super::{Schema, Store, StoreError};
use crate::config::{Config, Database};

/// Opens the database that [`migrate`] has made ready; `issuer_id` begins every key.
pub async fn open(
    config: &Config,
    issuer_id: &str,
    random: &dyn Random,
) -> Result<Box<dyn Store>, StoreError> {
    match engine(config) {
        Engine::Sqlite(file) => Ok(Box::new(Sqlite::open(file, issuer_id)?)),
        Engine::Postgres(options) => {
            Ok(Box::new(Postgres::open(&options, issuer_id, random).await?))
        }
    }
}

/// How the database stands to this program; changes nothing.
pub async fn schema(config: &Config) -> Result<Schema, StoreError> {
    match engine(config) {
        Engine::Sqlite(file) => sqlite::schema(file),
        Engine::Postgres(options) => postgres::schema(&options).await,
    }
}

/// Brings the database to the present schema; says how many migrations it ran.
pub async fn migrate(config: &Config) -> Result<usize, StoreError> {
    match engine(config) {
        Engine::Sqlite(file) => sqlite::migrate(file),
        Engine::Postgres(options) => postgres::migrate(&options).await,
    }
}

/// What is risky about the database, as far as that can be seen without opening it.
pub async fn warnings(config: &Config) -> Result<Vec<String>, StoreError> {
    match engine(config) {
        Engine::Sqlite(_) => Ok(Vec::new()),
        Engine::Postgres(options) => postgres::warnings(&options).await,
    }
}

enum Engine<'c> {
    Sqlite(&'c std::path::Path),
    Postgres(Options<'c>),
}

fn engine(config: &Config) -> Engine<'_> {
    match &config.database {
        Database::File(file) => Engine::Sqlite(file),
        Database::Postgres(address) => Engine::Postgres(Options {
            address,
            password_file: config.database_password_file.as_deref(),
            ca: config.database_ca.as_deref(),
        }),
    }
}

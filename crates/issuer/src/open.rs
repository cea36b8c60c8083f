//! Puts an Issuer together from what the operator configured.

use std::fmt;
use std::path::Path;

use keys::outside::{Clock, Random};
use tokio::sync::watch;

use crate::Issuer;
use crate::config::{Config, ConfigError};
use crate::init::load_keys;
use crate::store::StoreError;
use crate::store::sqlite::{Schema, Sqlite, schema};

/// Begins every key of the store; a database of several issuers has one for each.
const ISSUER_ID: &str = "default";

impl Issuer {
    /// Reads keys and credential types and opens the store.
    pub fn open(
        config: Config,
        clock: Box<dyn Clock>,
        random: Box<dyn Random>,
    ) -> Result<Self, OpenError> {
        let types = config.credential_types()?;
        let keys = load_keys(&config)?;
        let store = Box::new(Sqlite::open(database(&config)?, ISSUER_ID)?);
        let ending = watch::Sender::new(false);
        Ok(Self { config, types, store, clock, random, keys, ending })
    }
}

/// The file of the database, which is there and has the schema of this version.
fn database(config: &Config) -> Result<&Path, ConfigError> {
    let file = Path::new(&config.database);
    let refuse = |problem: &str, remedy: &str| Err(ConfigError::of_file(file, problem, remedy));
    match check_database(config)? {
        Schema::Current => Ok(file),
        Schema::Missing => refuse("is no database yet", "run `bestow issuer migrate` first"),
        Schema::Older => {
            refuse("is the database of an older version", "run `bestow issuer migrate` first")
        }
        Schema::Newer => {
            refuse("was made by a newer bestow", "use that version, or put a copy of before back")
        }
    }
}

/// Looks at what `database` names; a file that is something else is refused, and left alone.
pub fn check_database(config: &Config) -> Result<Schema, ConfigError> {
    let file = Path::new(&config.database);
    schema(file).map_err(|error| {
        let error = match error {
            StoreError::Broken(text) | StoreError::Unavailable(text) => text,
        };
        let remedy = "check `database` in bestow.toml: `bestow issuer migrate` makes a new one \
                      where there is no file";
        ConfigError::of_file(file, format!("cannot be used as the database: {error}"), remedy)
    })
}

/// Why an Issuer cannot start.
#[derive(Debug)]
pub enum OpenError {
    /// A file that the operator wrote, or a key.
    Config(ConfigError),
    /// The database.
    Store(StoreError),
}

impl From<ConfigError> for OpenError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

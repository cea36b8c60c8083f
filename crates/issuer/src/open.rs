//! Puts an Issuer together from what the operator configured.

use std::fmt;
use std::path::Path;

use keys::outside::{Clock, Random};
use tokio::sync::watch;

use crate::Issuer;
use crate::config::{Config, ConfigError};
use crate::init::load_keys;
use crate::store::StoreError;
use crate::store::sqlite::Sqlite;

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
        let store = Box::new(Sqlite::open(Path::new(&config.database), ISSUER_ID)?);
        let ending = watch::Sender::new(false);
        Ok(Self { config, types, store, clock, random, keys, ending })
    }
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

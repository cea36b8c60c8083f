//! Puts an Issuer together from what the operator configured.

use std::fmt;
use std::path::Path;

use keys::outside::{Clock, Random};
use tokio::sync::watch;

use crate::Issuer;
use crate::attestation_lists::AttestationLists;
use crate::config::{Config, ConfigError, Database};
use crate::credential_type::CredentialType;
use crate::did_documents::DidDocuments;
use crate::external::External;
use crate::generations::{CurrentKeys, Mark};
use crate::http::load::Load;
use crate::init::load_keys;
use crate::issue::check_key;
use crate::provider::Provider;
use crate::status::StatusLists;
use crate::store::{self, Schema, StoreError};

/// Begins every key of the store; a database of several issuers has one for each.
pub(crate) const ISSUER_ID: &str = "default";

impl Issuer {
    /// Reads keys and credential types and opens the store.
    pub async fn open(
        config: Config,
        clock: Box<dyn Clock>,
        random: Box<dyn Random>,
    ) -> Result<Self, OpenError> {
        let types = config.credential_types()?;
        let clients = config.registered_clients()?;
        let provider = Provider::open(&config.sign_in)?;
        let external = External::open(&config.authorization_server)?;
        let mark = Mark::of(&config.keys)?;
        let current_keys = {
            let keys = load_keys(&config, clock.now())?; // large: not to be kept while we wait below
            check_key(&config, &keys, &types)?;
            CurrentKeys::new(keys, mark)
        };
        let client_attesters = config.client_attesters()?;
        let authorities = config.authorization.attestation_status_ca.as_deref();
        let is_attested = |one: &CredentialType| {
            one.key_binding.as_ref().is_some_and(|bound| bound.key_attestations.is_some())
        };
        let has_attesters = client_attesters.is_some() || types.values().any(is_attested);
        let attestation_lists =
            has_attesters.then(|| AttestationLists::open(authorities, config.url.is_loopback()));
        let attestation_lists = attestation_lists.transpose()?;
        let did_documents = DidDocuments::for_types(&config.proof, types.values())?;
        check_ready(&config).await?;
        let store = store::open(&config, ISSUER_ID, &*random).await?;
        let ending = watch::Sender::new(false);
        let status_lists = StatusLists::default();
        let encryption = config.encryption.policy().unwrap_or_default(); // the file was checked
        Ok(Self {
            config,
            types,
            clients,
            provider,
            external,
            store,
            clock,
            random: random.into(),
            current_keys,
            client_attesters,
            attestation_lists,
            did_documents,
            encryption,
            status_lists,
            ending,
            load: Load::default(),
        })
    }
}

/// Refuses a database that is not there, or has the schema of another version.
async fn check_ready(config: &Config) -> Result<(), ConfigError> {
    let refuse = |problem: &str, remedy: &str| Err(about(config, problem, remedy));
    match check_database(config).await? {
        Schema::Current => Ok(()),
        Schema::Missing => refuse("is no database yet", "run `bestow issuer migrate` first"),
        Schema::Older => {
            refuse("is the database of an older version", "run `bestow issuer migrate` first")
        }
        Schema::Unfinished => refuse(
            "holds only a part of what is moved here",
            "run `bestow issuer migrate-store` again, with the same two databases: it goes on where \
             it was",
        ),
        Schema::Newer => {
            refuse("was made by a newer bestow", "use that version, or put a copy of before back")
        }
    }
}

/// Looks at what `database` names; what is something else is refused, and left alone.
pub async fn check_database(config: &Config) -> Result<Schema, ConfigError> {
    store::schema(config).await.map_err(|error| {
        let remedy = match &config.database {
            Database::File(_) => {
                "check `database` in bestow.toml: `bestow issuer migrate` makes a new one where \
                 there is no file"
            }
            Database::Postgres(_) => {
                "check `database`, `database_password_file` and `database_ca` in bestow.toml, and \
                 that the server runs and has this database"
            }
        };
        about(config, &format!("cannot be used as the database: {}", error.text()), remedy)
    })
}

fn about(config: &Config, problem: &str, remedy: &str) -> ConfigError {
    ConfigError::of_file(Path::new(&config.database.to_string()), problem, remedy)
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

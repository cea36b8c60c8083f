//! `bestow issuer …`: what an operator types.

use std::path::Path;

use issuer::attestation_lists::AttestationLists;
use issuer::config::{Config, reference};
use issuer::credential_type::CredentialType;
use issuer::did_documents::DidDocuments;
use issuer::store::{Schema, migrate, warnings};
use issuer::{Issuer, OpenError};
use keys::outside::{Clock as _, SystemClock, SystemRandom};

use crate::cli::{AccountCommand, ConfigFile, IssuerCommand};
use crate::exit::Failure;
use crate::terminal::{print, tell};

mod accounts;
mod api;
mod applications;
mod backup;
mod credential;
mod deferred;
mod generations;
pub(crate) mod init;
mod migrate_store;
mod offer;
mod pki;
mod queue;
pub(crate) mod serve;
mod status;

/// Runs one command.
pub(crate) async fn run(command: IssuerCommand) -> Result<(), Failure> {
    match command {
        IssuerCommand::Init { dir, url, name } => init::init(&dir, &url, &name),
        IssuerCommand::Serve(file) => serve::serve(&file).await,
        IssuerCommand::CheckConfig(file) => check_config(&file).await,
        IssuerCommand::Migrate(file) => migrate_database(&file).await,
        IssuerCommand::Backup { file, config } => backup::backup(&file, &config),
        IssuerCommand::Restore { file, accept_lost_revocations, config } => {
            backup::restore(&file, accept_lost_revocations, &config)
        }
        IssuerCommand::MigrateStore(arguments) => migrate_store::migrate_store(&arguments).await,
        IssuerCommand::Offer(arguments) => offer::offer(&arguments).await,
        IssuerCommand::Release { id, config } => offer::release(&id, &config).await,
        IssuerCommand::Revoke(arguments) => status::set("invalid", &arguments).await,
        IssuerCommand::Suspend(arguments) => status::set("suspended", &arguments).await,
        IssuerCommand::Reinstate(arguments) => status::set("valid", &arguments).await,
        IssuerCommand::Sample { configuration_id, config } => sample(&configuration_id, &config),
        IssuerCommand::Applications(command) => applications::run(command).await,
        IssuerCommand::Account(command) => match command {
            AccountCommand::Add { name, claims, sample, json, config } => {
                accounts::add(&name, &claims.unwrap_or_default(), &sample, (json, &config)).await
            }
            AccountCommand::List { json, config } => accounts::list(json, &config).await,
            AccountCommand::Remove { name, config } => accounts::remove(&name, &config).await,
            AccountCommand::Password { name, config } => {
                accounts::set_password(&name, &config).await
            }
        },
        IssuerCommand::Credential(command) => credential::run(command).await,
        IssuerCommand::Deferred(command) => deferred::run(command).await,
        IssuerCommand::Keys(command) => generations::run(command),
        IssuerCommand::Pki(command) => pki::run(&command),
        IssuerCommand::ConfigReference => {
            print(reference().trim_end());
            Ok(())
        }
    }
}

pub(crate) fn load(file: &ConfigFile) -> Result<Config, Failure> {
    load_from(&file.config)
}

fn load_from(file: &Path) -> Result<Config, Failure> {
    Config::load(file).map_err(Failure::mistake)
}

/// Opens the issuer with this machine's clock and randomness.
pub(crate) async fn open(config: Config) -> Result<Issuer, Failure> {
    let opening = Issuer::open(config, Box::new(SystemClock), Box::new(SystemRandom));
    // It is large, and every command's future would carry it along.
    Box::pin(opening).await.map_err(|error| match error {
        OpenError::Config(error) => Failure::mistake(error),
        OpenError::Store(error) => Failure::mistake(error),
    })
}

/// Standard output has the effective configuration, standard error what should not stay so.
async fn check_config(file: &ConfigFile) -> Result<(), Failure> {
    let config = load(file)?;
    let types = config.credential_types().map_err(Failure::mistake)?;
    config.registered_clients().map_err(Failure::mistake)?;
    config.client_attesters().map_err(Failure::mistake)?;
    let authorities = config.authorization.attestation_status_ca.as_deref();
    AttestationLists::open(authorities, config.url.is_loopback()).map_err(Failure::mistake)?;
    DidDocuments::open(&config.proof).map_err(Failure::mistake)?;
    issuer::provider::Provider::open(&config.sign_in).map_err(Failure::mistake)?;
    issuer::external::External::open(&config.authorization_server).map_err(Failure::mistake)?;
    let now = SystemClock.now();
    let keys = issuer::init::load_keys(&config, now).map_err(Failure::mistake)?;
    issuer::init::check_tls(&config).map_err(Failure::mistake)?;
    let schema = issuer::check_database(&config).await.map_err(Failure::mistake)?;
    issuer::issue::check_key(&config, &keys, &types).map_err(Failure::mistake)?;
    print(config.effective().trim_end());
    for demand in config.demands() {
        tell(format!("haip: {demand}"));
    }
    let of_keys = issuer::issue::signer_warnings(&keys, &types, now);
    for warning in config.warnings(&types).into_iter().chain(of_keys) {
        tell(format!("warning: {warning}"));
    }
    for warning in warnings(&config).await.map_err(Failure::mistake)? {
        tell(format!("warning: {warning}"));
    }
    let database = &config.database;
    match schema {
        Schema::Current => {}
        Schema::Unfinished => tell(format!(
            "warning: {database} holds only a part of what is moved there: run `bestow issuer \
             migrate-store` again before serve"
        )),
        Schema::Missing | Schema::Older | Schema::Newer => tell(format!(
            "warning: {database} is not ready: run `bestow issuer migrate` before serve"
        )),
    }
    tell(format!("{} is good; it issues: {}", file.config.display(), names(types.keys())));
    Ok(())
}

async fn migrate_database(file: &ConfigFile) -> Result<(), Failure> {
    let config = load(file)?;
    let database = &config.database;
    issuer::check_database(&config).await.map_err(Failure::mistake)?;
    let made = issuer::generations::make_missing_keys(&config, &SystemRandom);
    for file in made.map_err(Failure::mistake)? {
        let file = file.display();
        tell(format!("{file}: made; every node of this issuer needs a copy of it"));
    }
    match migrate(&config).await.map_err(Failure::own_fault)? {
        0 => tell(format!("{database} is up to date")),
        1 => tell(format!("{database}: one migration done")),
        count => tell(format!("{database}: {count} migrations done")),
    }
    Ok(())
}

fn sample(id: &str, file: &ConfigFile) -> Result<(), Failure> {
    let config = load(file)?;
    let types = config.credential_types().map_err(Failure::mistake)?;
    let sample = types.get(id).map(CredentialType::sample).ok_or_else(|| {
        Failure::new(crate::exit::Kind::Usage, "unknown_type", format!("there is no type `{id}`"))
            .hint(format!("there is: {}", names(types.keys())))
    })?;
    print(serde_json::to_string_pretty(&sample).map_err(Failure::own_fault)?);
    Ok(())
}

fn names<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

//! One connection: how it is made, what is set on it, and the statements that it has prepared.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join_all, join3};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Row, Statement};

use super::fault::Fault;
use super::tls::Tls;
use super::{Address, Options};
use crate::init::secret;
use crate::store::StoreError;

/// How long a connection to one host may take, with its TLS and its password.
const OPEN_TIME_MAX: Duration = Duration::from_millis(1500);

/// What every connection is told. Nothing here is left to the server's own configuration:
/// a commit waits for the disk, and where the server waits for a standby it goes on to do so;
/// no statement, lock or forgotten transaction lasts for long.
const SETTINGS: &str = "
SET statement_timeout = 2000;
SET lock_timeout = 1000;
SET idle_in_transaction_session_timeout = 5000;
SELECT set_config(name, 'on', FALSE) FROM pg_settings
    WHERE name = 'synchronous_commit' AND setting IN ('off', 'local', 'remote_write')";

/// Statements find rows by their keys, whatever the server believes of its tables' sizes: a plan made
/// for an empty table must not read a full one. An engine without these settings has no use for them.
const BY_KEY: &str = "
SELECT set_config(name, 'off', FALSE) FROM pg_settings WHERE name IN ('enable_seqscan',
    'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'jit');
SELECT set_config(name, 'force_generic_plan', FALSE) FROM pg_settings
    WHERE name = 'plan_cache_mode'";

/// Where connections go.
#[derive(Debug)]
pub(super) struct Target {
    address: Address,
    password_file: Option<PathBuf>,
    tls: Tls,
    /// The host that took writes last.
    host: AtomicUsize,
}

impl Target {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, StoreError> {
        let tls = Tls::new(options.ca)
            .map_err(|error| StoreError::Broken(format!("database_ca: {error}")))?;
        Ok(Self {
            address: options.address.clone(),
            password_file: options.password_file.map(ToOwned::to_owned),
            tls,
            host: AtomicUsize::new(0),
        })
    }

    /// Connects to the first host that takes writes, beginning with the one that did so last.
    pub(super) async fn connect(&self) -> Result<Connection, Fault> {
        let hosts = self.address.hosts();
        let begin = self.host.load(Ordering::Relaxed);
        let mut last = Fault::silent();
        for place in 0..hosts.len() {
            let place = (begin + place) % hosts.len();
            let Some(config) = hosts.get(place) else { continue };
            let opened = timeout(OPEN_TIME_MAX, self.open(config.clone())).await;
            match opened.unwrap_or_else(|_| Err(Fault::silent())) {
                Ok(connection) => {
                    self.host.store(place, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    async fn open(&self, mut config: Config) -> Result<Connection, Fault> {
        if let Some(file) = &self.password_file {
            // Read each time, so that a new password needs no restart.
            let password = secret(file).map_err(|error| Fault::Broken(error.to_string()))?;
            config.password(password.trim_end_matches(['\r', '\n']));
        }
        let (client, driver) = config.connect(self.tls.clone()).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection to the database has ended");
            }
        });
        let connection =
            Connection { client, prepared: HashMap::new(), driver: driver.abort_handle() };
        connection.client.batch_execute(SETTINGS).await?;
        connection.client.batch_execute(BY_KEY).await?;
        Ok(connection)
    }
}

/// One statement with its values; each is a column for all steps of a batch, or a single value.
pub(super) struct Query<'q> {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Box<dyn ToSql + Sync + Send + 'q>>,
}

impl Query<'_> {
    pub(super) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }
}

/// One connection and what was prepared on it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: Client,
    prepared: HashMap<&'static str, Statement>,
    driver: AbortHandle,
}

impl Connection {
    /// Runs one statement, which is a transaction of its own.
    pub(super) async fn query(&mut self, query: &Query<'_>) -> Result<Vec<Row>, Fault> {
        let statement = self.statement(query.sql).await?;
        Ok(self.client.query(&statement, &query.values()).await?)
    }

    /// Runs statements one after the other, each a transaction of its own, sent together.
    pub(super) async fn queries(&mut self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, Fault> {
        let statements = self.statements(queries).await?;
        let values: Vec<_> = queries.iter().map(Query::values).collect();
        let calls = statements.iter().zip(&values);
        let calls = calls.map(|(statement, values)| self.client.query(statement, values));
        Ok(join_all(calls).await.into_iter().collect::<Result<_, _>>()?)
    }

    /// Runs statements in one transaction, sent together with its begin and its end.
    ///
    /// COMMIT ends a failed transaction without a word; so nothing counts unless all came through.
    pub(super) async fn commit(&mut self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, Fault> {
        if queries.len() < 2 {
            return self.queries(queries).await;
        }
        let statements = self.statements(queries).await?;
        let values: Vec<_> = queries.iter().map(Query::values).collect();
        let calls = statements.iter().zip(&values);
        let calls = calls.map(|(statement, values)| self.client.query(statement, values));
        let begin = self.client.batch_execute("BEGIN");
        let commit = self.client.batch_execute("COMMIT");
        let (begin, rows, commit) = join3(begin, join_all(calls), commit).await;
        begin?;
        let rows = rows.into_iter().collect::<Result<_, _>>()?;
        commit?;
        Ok(rows)
    }

    /// The prepared form of a statement.
    pub(super) async fn statement(&mut self, sql: &'static str) -> Result<Statement, Fault> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }

    async fn statements(&mut self, queries: &[Query<'_>]) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::with_capacity(queries.len());
        for query in queries {
            statements.push(self.statement(query.sql).await?);
        }
        Ok(statements)
    }
}

impl Drop for Connection {
    /// A server that does not answer is not waited for.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

//! Who may send people here to sign in: files of the operator, and what was registered while we
//! serve.

use std::fmt;

use oid4vci::client::{Client, is_client_id};
use serde_json::Value;

use crate::Issuer;
use crate::config::WrittenClient;
use crate::failure::Broken;
use crate::store::StoreError;
use crate::store::client::StoredClient;

/// The client of this name; the operator's files come first. A name that nobody can have reaches no
/// database: not every engine takes every text.
pub async fn registered(issuer: &Issuer, client_id: &str) -> Result<Option<Client>, StoreError> {
    if let Some(client) = issuer.clients.get(client_id) {
        return Ok(Some(client.clone()));
    }
    if !issuer.config.authorization.clients_by_api || !is_client_id(client_id) {
        return Ok(None);
    }
    let Some(text) = issuer.store.client(client_id).await? else { return Ok(None) };
    let read = || serde_json::from_str::<WrittenClient>(&text).ok()?.checked().ok();
    let client = read().ok_or_else(|| {
        StoreError::Broken(format!("the stored client `{client_id}` is not readable"))
    })?;
    Ok(Some(client))
}

/// Registers a client; it is on disk before the operator is told.
pub async fn add(issuer: &Issuer, written: WrittenClient) -> Result<Client, ClientError> {
    if !issuer.config.authorization.clients_by_api {
        return Err(ClientError::OnlyFiles);
    }
    let text = serde_json::to_string(&written).map_err(|error| Broken::fault(error.to_string()))?;
    let client = written.checked().map_err(|mistake| ClientError::Mistake(mistake.to_string()))?;
    if client.is_first_party {
        return Err(ClientError::FirstParty);
    }
    if issuer.clients.contains_key(&client.client_id) {
        return Err(ClientError::Exists);
    }
    let created_at = issuer.clock.now();
    let stored = StoredClient { client_id: client.client_id.clone(), client: text, created_at };
    if !issuer.store.open_client(&stored).await.map_err(Broken::from)? {
        return Err(ClientError::Exists);
    }
    tracing::info!(client_id = client.client_id, "client registered");
    Ok(client)
}

/// Removes a client: no code or refresh token of it is good any more, and no request of it goes on.
pub async fn remove(issuer: &Issuer, client_id: &str) -> Result<(), ClientError> {
    if issuer.clients.contains_key(client_id) {
        return Err(ClientError::IsFile);
    }
    if !issuer.store.remove_client(client_id).await.map_err(Broken::from)? {
        return Err(ClientError::Unknown);
    }
    tracing::info!(client_id, "client removed");
    Ok(())
}

/// All clients after this one, as they were written; the files first, in one order.
pub async fn list(issuer: &Issuer, after: &str, limit: u32) -> Result<Vec<Value>, Broken> {
    let stored = issuer.store.clients(after, limit).await?;
    Ok(stored.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
}

/// Why a client is not registered, or not removed; told to the operator.
#[derive(Debug)]
pub enum ClientError {
    /// `[authorization] clients_by_api` is off.
    OnlyFiles,
    /// Who asks for passwords is what the operator's files say, and no key of an API.
    FirstParty,
    /// There is one of this `client_id`.
    Exists,
    /// There is none of this `client_id`.
    Unknown,
    /// It stands in a file.
    IsFile,
    /// What is wrong with it.
    Mistake(String),
    /// Our own fault.
    Broken(Broken),
}

impl From<Broken> for ClientError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyFiles => f.write_str(
                "clients are files here: put one into the folder clients/, or write \
                 [authorization] clients_by_api = true in bestow.toml",
            ),
            Self::FirstParty => {
                f.write_str("a first_party client is a file in the folder clients/: put it there")
            }
            Self::Exists => f.write_str("there is a client of this client_id already"),
            Self::Unknown => f.write_str("there is no client of this client_id"),
            Self::IsFile => {
                f.write_str("this client is a file in the folder clients/: remove that")
            }
            Self::Mistake(text) => f.write_str(text),
            Self::Broken(_) => f.write_str("internal error: the log says more"),
        }
    }
}

impl std::error::Error for ClientError {}

//! Registered clients in SQLite.

use async_trait::async_trait;
use rusqlite::OptionalExtension as _;

use super::Sqlite;
use super::writer::Step;
use crate::store::StoreError;
use crate::store::client::{ClientStore, StoredClient};

#[async_trait]
impl ClientStore for Sqlite {
    async fn open_client(&self, client: &StoredClient) -> Result<bool, StoreError> {
        let client = client.clone();
        self.write(move |connection, issuer| {
            let sql = "INSERT INTO clients (issuer_id, client_id, client, created_at) \
                       VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            let values = (issuer, &client.client_id, &client.client, client.created_at.0);
            Ok(Step::Keep(connection.prepare_cached(sql)?.execute(values)? == 1))
        })
        .await
    }

    async fn client(&self, client_id: &str) -> Result<Option<String>, StoreError> {
        self.look(|connection, issuer| {
            let sql = "SELECT client FROM clients WHERE issuer_id = ?1 AND client_id = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row((issuer, client_id), |row| row.get(0)).optional()
        })
    }

    async fn clients(&self, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let after = after.to_owned();
        self.list(move |connection, issuer| {
            let sql = "SELECT client FROM clients WHERE issuer_id = ?1 AND client_id > ?2 \
                       ORDER BY client_id LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map((issuer, after, limit), |row| row.get(0))?.collect()
        })
        .await
    }

    async fn remove_client(&self, client_id: &str) -> Result<bool, StoreError> {
        let client_id = client_id.to_owned();
        self.write(move |connection, issuer| {
            let sql = "DELETE FROM clients WHERE issuer_id = ?1 AND client_id = ?2";
            Ok(Step::Keep(connection.prepare_cached(sql)?.execute((issuer, client_id))? == 1))
        })
        .await
    }
}

//! Registered clients in PostgreSQL.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio_postgres::types::ToSql;

use super::Postgres;
use super::connection::Connection;
use super::fault::Fault;
use super::rows::{big, value};
use super::single::Context;
use crate::store::StoreError;
use crate::store::client::{ClientStore, StoredClient};

#[async_trait]
impl ClientStore for Postgres {
    async fn open_client(&self, client: &StoredClient) -> Result<bool, StoreError> {
        self.single(client, |connection, context, client| {
            open_client(connection, context, client).boxed()
        })
        .await
    }

    async fn client(&self, client_id: &str) -> Result<Option<String>, StoreError> {
        self.single(client_id.to_owned(), |connection, context, client_id| {
            async move {
                let sql = "SELECT client FROM clients WHERE issuer_id = $1 AND client_id = $2";
                let values: [&(dyn ToSql + Sync); 2] = [&context.issuer_id, client_id];
                let row = connection.client.query_opt(sql, &values).await?;
                row.map(|row| value(&row, 0)).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn clients(&self, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.single((after.to_owned(), big(limit)), |connection, context, (after, limit)| {
            async move {
                // By bytes, as the other engine does, whatever the database's language.
                let sql = "SELECT client FROM clients WHERE issuer_id = $1 \
                           AND client_id COLLATE \"C\" > $2 \
                           ORDER BY client_id COLLATE \"C\" LIMIT $3";
                let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, after, limit];
                let rows = connection.client.query(sql, &values).await?;
                rows.iter().map(|row| value(row, 0)).collect()
            }
            .boxed()
        })
        .await
    }

    async fn remove_client(&self, client_id: &str) -> Result<bool, StoreError> {
        self.single(client_id.to_owned(), |connection, context, client_id| {
            async move {
                let sql = "DELETE FROM clients WHERE issuer_id = $1 AND client_id = $2";
                let values: [&(dyn ToSql + Sync); 2] = [&context.issuer_id, client_id];
                let rows = connection.client.execute(sql, &values).await?;
                Ok(rows == 1 || context.again)
            }
            .boxed()
        })
        .await
    }
}

async fn open_client(
    connection: &mut Connection,
    context: Context<'_>,
    client: &StoredClient,
) -> Result<bool, Fault> {
    let sql = "INSERT INTO clients (issuer_id, client_id, client, created_at) \
               VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let created_at = big(client.created_at.0);
    let values: [&(dyn ToSql + Sync); 4] =
        [&context.issuer_id, &client.client_id, &client.client, &created_at];
    if connection.client.execute(sql, &values).await? == 1 {
        return Ok(true);
    }
    if !context.again {
        return Ok(false);
    }
    // What ran before wrote just this; a write, for the reason given at `STEPS_DONE`.
    let sql = "UPDATE clients SET client = client WHERE issuer_id = $1 AND client_id = $2 \
               AND client = $3 AND created_at = $4";
    let values: [&(dyn ToSql + Sync); 4] =
        [&context.issuer_id, &client.client_id, &client.client, &created_at];
    Ok(connection.client.execute(sql, &values).await? == 1)
}

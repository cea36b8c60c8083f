//! Tokens of another authorization server in PostgreSQL.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use oid4vci::grant::Grant;
use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;

use super::Postgres;
use super::authorization_writes::{hold_account, insert_datasets};
use super::connection::Connection;
use super::fault::Fault;
use super::rows::{big, list, uuid};
use super::single::Context;
use crate::store::StoreError;
use crate::store::external::ExternalStore;

#[async_trait]
impl ExternalStore for Postgres {
    async fn admit(
        &self,
        grant: &Grant,
        account: &str,
        datasets: &Map<String, Value>,
    ) -> Result<bool, StoreError> {
        let beside = (account.to_owned(), datasets);
        self.single((grant, beside), |connection, context, (grant, (account, datasets))| {
            admit(connection, context, grant, (account, datasets)).boxed()
        })
        .await
    }
}

const ADMIT: &str = "INSERT INTO offers (issuer_id, offer_id, created_at, expires_at, \
    credential_configuration_ids, reference_digest, code_digest, attempts, issued_count, step_id, \
    redeemed_at, token_digest, token_expires_at, token_configuration_ids, token_by_identifier, \
    client_id, token_bound_to) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9, $10, $11, $12, $13, $14, $15) \
    ON CONFLICT DO NOTHING";

/// Says whose it is; there is no code, and nothing that could be renewed.
const BESIDE: &str = "INSERT INTO authorizations (issuer_id, offer_id, code_spent, account) \
    VALUES ($1, $2, TRUE, $3)";

async fn admit(
    connection: &mut Connection,
    context: Context<'_>,
    grant: &Grant,
    (account, datasets): (&str, &Map<String, Value>),
) -> Result<bool, Fault> {
    let Some(redemption) = &grant.redemption else { return Ok(false) };
    let id = uuid(grant.id);
    let values: [&(dyn ToSql + Sync); 15] = [
        &context.issuer_id,
        &id,
        &big(grant.created_at.0),
        &big(grant.expires_at.0),
        &list(&grant.credential_configuration_ids),
        &grant.reference_digest.0.as_slice(),
        &grant.code_digest.0.as_slice(),
        &context.step_id,
        &big(redemption.at.0),
        &redemption.token_digest.0.as_slice(),
        &big(redemption.token_expires_at.0),
        &list(&redemption.credential_configuration_ids),
        &redemption.by_identifier,
        &redemption.client_id.as_ref().map(String::as_bytes),
        &redemption.bound_to.as_ref().map(ToString::to_string),
    ];
    let transaction = connection.client.transaction().await?;
    if !hold_account(&transaction, context, Some(account)).await? {
        return Ok(false);
    }
    if transaction.execute(ADMIT, &values).await? == 1 {
        insert_datasets(&transaction, context, (grant.id, datasets)).await?;
        transaction.execute(BESIDE, &[&context.issuer_id, &id, &account]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

//! The Authorization Code Flow in PostgreSQL: steps that are done one by one, each one transaction.
//!
//! Whose outcome is unknown is run again, and then finds what it wrote by a digest that only this
//! step can have drawn.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use keys::outside::Timestamp;
use oid4vci::authorization::{Authorization, RunningAuthorization};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use tokio_postgres::types::ToSql;

use super::Postgres;
use super::authorization_rows::{AUTHORIZATION, RUNNING, account, authorization, running};
use super::authorization_writes as writes;
use super::connection::Connection;
use super::deferral::SPEND;
use super::fault::Fault;
use super::rows::{big, uuid, value};
use super::single::Context;
use crate::account::Account;
use crate::store::authorization::{Allowed, AuthorizationStore, Redeeming, Renewed, Renewing};
use crate::store::columns::stage_parts;
use crate::store::{ENDED, StoreError};

#[async_trait]
impl AuthorizationStore for Postgres {
    async fn begin_authorization(
        &self,
        running: &RunningAuthorization,
        marks: &[SpendableNonce],
    ) -> Result<bool, StoreError> {
        self.single((running, marks), |connection, context, (running, marks)| {
            writes::begin(connection, context, running, marks).boxed()
        })
        .await
    }

    async fn running_authorization(
        &self,
        id: OfferId,
    ) -> Result<Option<RunningAuthorization>, StoreError> {
        self.single(id, |connection, context, id| {
            async move {
                let values: [&(dyn ToSql + Sync); 2] = [&context.issuer_id, &uuid(*id)];
                let row = connection.client.query_opt(RUNNING, &values).await?;
                row.map(|row| running(&row, *id)).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn advance_authorization(
        &self,
        seen: &RunningAuthorization,
        next: &RunningAuthorization,
    ) -> Result<bool, StoreError> {
        self.single((seen, next), |connection, context, (seen, next)| {
            advance(connection, context, seen, next).boxed()
        })
        .await
    }

    async fn deny_authorization(&self, seen: &RunningAuthorization) -> Result<bool, StoreError> {
        self.single(seen, |connection, context, seen| {
            async move {
                let seen = writes::seen(context, seen);
                let rows = connection.client.execute(writes::END, &seen.all()).await?;
                // When it ran before, nobody else can have ended it: its handle was ours alone.
                Ok(rows == 1 || context.again)
            }
            .boxed()
        })
        .await
    }

    async fn allow_authorization(
        &self,
        seen: &RunningAuthorization,
        allowed: &Allowed,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.single((seen, allowed, now), |connection, context, (seen, allowed, now)| {
            writes::allow(connection, context, (seen, allowed), *now).boxed()
        })
        .await
    }

    async fn authorization(&self, id: OfferId) -> Result<Option<Authorization>, StoreError> {
        self.single(id, |connection, context, id| {
            async move {
                let values: [&(dyn ToSql + Sync); 2] = [&context.issuer_id, &uuid(*id)];
                let row = connection.client.query_opt(AUTHORIZATION, &values).await?;
                row.map(|row| authorization(&row, *id)).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn redeem_authorization_code(
        &self,
        redeeming: &Redeeming<'_>,
        marks: &[SpendableNonce],
    ) -> Result<Renewed, StoreError> {
        self.single((redeeming, marks), |connection, context, (redeeming, marks)| {
            writes::redeem(connection, context, redeeming, marks).boxed()
        })
        .await
    }

    async fn renew_tokens(
        &self,
        renewing: &Renewing<'_>,
        marks: &[SpendableNonce],
    ) -> Result<Renewed, StoreError> {
        self.single((renewing, marks), |connection, context, (renewing, marks)| {
            writes::renew(connection, context, renewing, marks).boxed()
        })
        .await
    }

    async fn end_tokens(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError> {
        self.single((id, now), |connection, context, (id, now)| {
            end_tokens(connection, context, (*id, *now)).boxed()
        })
        .await
    }

    async fn open_account(&self, account: &Account) -> Result<bool, StoreError> {
        self.single(account, |connection, context, account| {
            open_account(connection, context, account).boxed()
        })
        .await
    }

    async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        self.single(name.to_owned(), |connection, context, name| {
            async move {
                let sql = "SELECT name, password_hash, datasets, created_at FROM accounts \
                           WHERE issuer_id = $1 AND name = $2";
                let row = connection.client.query_opt(sql, &[&context.issuer_id, name]).await?;
                row.as_ref().map(account).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn accounts(&self, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.single((after.to_owned(), big(limit)), |connection, context, (after, limit)| {
            async move {
                // By bytes, as the other engine does, whatever the database's language.
                let sql = "SELECT name FROM accounts WHERE issuer_id = $1 \
                           AND name COLLATE \"C\" > $2 ORDER BY name COLLATE \"C\" LIMIT $3";
                let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, after, limit];
                let rows = connection.client.query(sql, &values).await?;
                rows.iter().map(|row| value(row, 0)).collect()
            }
            .boxed()
        })
        .await
    }

    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, StoreError> {
        let step = (name.to_owned(), password_hash.to_owned());
        self.single(step, |connection, context, (name, hash)| {
            async move {
                let sql = "UPDATE accounts SET password_hash = $3 \
                           WHERE issuer_id = $1 AND name = $2";
                let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, name, hash];
                Ok(connection.client.execute(sql, &values).await? == 1)
            }
            .boxed()
        })
        .await
    }

    async fn remove_account(&self, name: &str) -> Result<bool, StoreError> {
        self.single(name.to_owned(), |connection, context, name| {
            remove_account(connection, context, name).boxed()
        })
        .await
    }

    async fn spend(&self, marks: &[SpendableNonce]) -> Result<bool, StoreError> {
        self.single(marks.to_vec(), |connection, context, marks| {
            async move {
                let transaction = connection.client.transaction().await?;
                let fronts: Vec<&[u8]> = marks.iter().map(|mark| mark.front.as_slice()).collect();
                let spent = transaction.execute(SPEND, &[&context.issuer_id, &fronts]).await?;
                if spent != fronts.len() as u64 {
                    transaction.rollback().await?;
                    // The try before may have spent them: whoever asks makes new ones.
                    let unknown = || Fault::InDoubt("it may have been spent just now".to_owned());
                    return if context.again { Err(unknown()) } else { Ok(false) };
                }
                transaction.commit().await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }
}

/// Takes its locks in the order of every step: the account, what is under way, authorizations,
/// offers. Whoever is in the middle of a step is waited for, and what it wrote is ended with the
/// rest; whoever comes later finds nothing.
async fn remove_account(
    connection: &mut Connection,
    context: Context<'_>,
    name: &String,
) -> Result<bool, Fault> {
    let transaction = connection.client.transaction().await?;
    let sql = "DELETE FROM accounts WHERE issuer_id = $1 AND name = $2";
    let rows = transaction.execute(sql, &[&context.issuer_id, name]).await?;
    let ends = [
        "DELETE FROM running_authorizations WHERE issuer_id = $1 AND account = $2",
        "UPDATE authorizations SET code_digest = NULL, refresh_digest = NULL, \
         refresh_replaced_digest = NULL, refresh_expires_at = NULL \
         WHERE issuer_id = $1 AND account = $2",
    ];
    for sql in ends {
        transaction.execute(sql, &[&context.issuer_id, name]).await?;
    }
    let sql = "UPDATE offers SET token_digest = $3, step_id = $4 WHERE issuer_id = $1 \
               AND redeemed_at IS NOT NULL AND offer_id IN (SELECT offer_id \
               FROM authorizations WHERE issuer_id = $1 AND account = $2)";
    let ended = ENDED.as_slice();
    let values: [&(dyn ToSql + Sync); 4] = [&context.issuer_id, name, &ended, &context.step_id];
    transaction.execute(sql, &values).await?;
    transaction.commit().await?;
    Ok(rows == 1 || context.again)
}

async fn advance(
    connection: &mut Connection,
    context: Context<'_>,
    seen: &RunningAuthorization,
    next: &RunningAuthorization,
) -> Result<bool, Fault> {
    let sql = "UPDATE running_authorizations SET handle_digest = $4, stage = $5, account = $6, \
               expires_at = $7, provided = $9 WHERE issuer_id = $1 AND offer_id = $2 \
               AND (handle_digest = $3 OR ($8 AND handle_digest = $4))";
    let (stage, account, provided) = stage_parts(&next.stage);
    let values: [&(dyn ToSql + Sync); 9] = [
        &context.issuer_id,
        &uuid(next.id),
        &seen.handle_digest.0.as_slice(),
        &next.handle_digest.0.as_slice(),
        &stage,
        &account,
        &big(next.expires_at.0),
        &context.again,
        &provided,
    ];
    Ok(connection.client.execute(sql, &values).await? == 1)
}

/// Takes its locks in the order of [`remove_account`].
async fn end_tokens(
    connection: &mut Connection,
    context: Context<'_>,
    (id, now): (OfferId, Timestamp),
) -> Result<(), Fault> {
    let transaction = connection.client.transaction().await?;
    let (id, now) = (uuid(id), big(now.0));
    let sql = "UPDATE authorizations SET refresh_digest = NULL, refresh_replaced_digest = NULL, \
               refresh_expires_at = NULL WHERE issuer_id = $1 AND offer_id = $2";
    transaction.execute(sql, &[&context.issuer_id, &id]).await?;
    let sql = "UPDATE offers SET token_expires_at = least(token_expires_at, $3), \
               token_digest = $5, step_id = $4 \
               WHERE issuer_id = $1 AND offer_id = $2 AND redeemed_at IS NOT NULL";
    let ended = ENDED.as_slice();
    let values: [&(dyn ToSql + Sync); 5] =
        [&context.issuer_id, &id, &now, &context.step_id, &ended];
    transaction.execute(sql, &values).await?;
    Ok(transaction.commit().await?)
}

async fn open_account(
    connection: &mut Connection,
    context: Context<'_>,
    account: &Account,
) -> Result<bool, Fault> {
    let sql = "INSERT INTO accounts (issuer_id, name, password_hash, datasets, created_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let datasets = serde_json::Value::from(account.datasets.clone()).to_string();
    let hash = account.password_hash.expose();
    let values: [&(dyn ToSql + Sync); 5] =
        [&context.issuer_id, &account.name, &hash, &datasets, &big(account.created_at.0)];
    if connection.client.execute(sql, &values).await? == 1 {
        return Ok(true);
    }
    if !context.again {
        return Ok(false);
    }
    // A hash has a salt of its own, so this is what ran before, or it is not there.
    let sql = "UPDATE accounts SET password_hash = password_hash \
               WHERE issuer_id = $1 AND name = $2 AND password_hash = $3";
    let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &account.name, &hash];
    Ok(connection.client.execute(sql, &values).await? == 1)
}

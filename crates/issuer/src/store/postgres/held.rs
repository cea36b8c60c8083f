//! Held offers in PostgreSQL.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use keys::outside::Timestamp;
use oid4vci::offer::OfferId;
use tokio_postgres::types::ToSql;

use super::Postgres;
use super::connection::Connection;
use super::fault::Fault;
use super::rows::{big, uuid};
use super::single::Context;
use crate::store::StoreError;
use crate::store::held::{Held, HeldStore};

const IS_HELD: &str = "SELECT 1 FROM held_offers WHERE issuer_id = $1 AND offer_id = $2";

#[async_trait]
impl HeldStore for Postgres {
    async fn hold_offer(&self, id: OfferId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.single((id, expires_at), |connection, context, (id, expires_at)| {
            async move {
                let sql = "INSERT INTO held_offers (issuer_id, offer_id, expires_at) \
                           VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
                let (id, expires_at) = (uuid(*id), big(expires_at.0));
                let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &id, &expires_at];
                connection.client.execute(sql, &values).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn ask_held(
        &self,
        id: OfferId,
        interval: u64,
        now: Timestamp,
    ) -> Result<Held, StoreError> {
        self.single((id, interval, now), |connection, context, step| {
            ask_held(connection, context, *step).boxed()
        })
        .await
    }

    async fn release_offer(&self, id: OfferId) -> Result<bool, StoreError> {
        // What a try before this one has seen, whose end nobody knows.
        let was_held = AtomicBool::new(false);
        self.single((id, was_held), |connection, context, (id, was_held)| {
            async move {
                let id = uuid(*id);
                let values: [&(dyn ToSql + Sync); 2] = [&context.issuer_id, &id];
                let is_held = connection.client.query_opt(IS_HELD, &values).await?.is_some();
                let is_held = was_held.fetch_or(is_held, Ordering::Relaxed) || is_held;
                let sql = "DELETE FROM held_offers WHERE issuer_id = $1 AND offer_id = $2";
                let rows = connection.client.execute(sql, &values).await?;
                Ok(rows == 1 || (context.again && is_held))
            }
            .boxed()
        })
        .await
    }
}

async fn ask_held(
    connection: &mut Connection,
    context: Context<'_>,
    (id, interval, now): (OfferId, u64, Timestamp),
) -> Result<Held, Fault> {
    let (id, interval, now) = (uuid(id), big(interval), big(now.0));
    let sql = "UPDATE held_offers SET asked_at = $3 WHERE issuer_id = $1 AND offer_id = $2 \
               AND coalesce(asked_at + $4, 0) <= $3";
    let values: [&(dyn ToSql + Sync); 4] = [&context.issuer_id, &id, &now, &interval];
    if connection.client.execute(sql, &values).await? == 1 {
        return Ok(Held::Yes);
    }
    let values: [&(dyn ToSql + Sync); 2] = [&context.issuer_id, &id];
    let found = connection.client.query_opt(IS_HELD, &values).await?;
    Ok(if found.is_some() { Held::TooSoon } else { Held::No })
}

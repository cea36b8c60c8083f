//! Held offers in SQLite.

use async_trait::async_trait;
use keys::outside::Timestamp;
use oid4vci::offer::OfferId;

use super::Sqlite;
use super::writer::Step;
use crate::store::StoreError;
use crate::store::held::{Held, HeldStore};

const IS_HELD: &str = "SELECT count(*) FROM held_offers WHERE issuer_id = ?1 AND offer_id = ?2";

#[async_trait]
impl HeldStore for Sqlite {
    async fn hold_offer(&self, id: OfferId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection, issuer| {
            let sql = "INSERT INTO held_offers (issuer_id, offer_id, expires_at) \
                       VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            connection.prepare_cached(sql)?.execute((issuer, id.0, expires_at.0))?;
            Ok(Step::Keep(()))
        })
        .await
    }

    async fn ask_held(
        &self,
        id: OfferId,
        interval: u64,
        now: Timestamp,
    ) -> Result<Held, StoreError> {
        let is_held = self.look(|connection, issuer| {
            let mut statement = connection.prepare_cached(IS_HELD)?;
            statement.query_row((issuer, id.0), |row| row.get::<_, bool>(0))
        })?;
        if !is_held {
            return Ok(Held::No);
        }
        self.write(move |connection, issuer| {
            let sql = "UPDATE held_offers SET asked_at = ?3 WHERE issuer_id = ?1 \
                       AND offer_id = ?2 AND coalesce(asked_at + ?4, 0) <= ?3";
            let values = (issuer, id.0, now.0, interval);
            if connection.prepare_cached(sql)?.execute(values)? == 1 {
                return Ok(Step::Keep(Held::Yes));
            }
            let mut statement = connection.prepare_cached(IS_HELD)?;
            let is_held = statement.query_row((issuer, id.0), |row| row.get(0))?;
            Ok(Step::Keep(if is_held { Held::TooSoon } else { Held::No }))
        })
        .await
    }

    async fn release_offer(&self, id: OfferId) -> Result<bool, StoreError> {
        self.write(move |connection, issuer| {
            let sql = "DELETE FROM held_offers WHERE issuer_id = ?1 AND offer_id = ?2";
            Ok(Step::Keep(connection.prepare_cached(sql)?.execute((issuer, id.0))? == 1))
        })
        .await
    }
}

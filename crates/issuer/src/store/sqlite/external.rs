//! Tokens of another authorization server in SQLite.

use async_trait::async_trait;
use oid4vci::grant::Grant;
use rusqlite::Connection;
use serde_json::{Map, Value};

use super::writer::Step;
use super::{Sqlite, redeem, steps};
use crate::store::StoreError;
use crate::store::external::ExternalStore;

#[async_trait]
impl ExternalStore for Sqlite {
    async fn admit(&self, grant: &Grant, datasets: &Map<String, Value>) -> Result<(), StoreError> {
        let (grant, datasets) = (grant.clone(), datasets.clone());
        self.write(move |connection, issuer| {
            if !is_there(connection, issuer, &grant)? {
                steps::insert_offer(connection, issuer, &grant, &datasets)?;
                if let Some(redemption) = &grant.redemption {
                    redeem::redeem_signed_in(connection, issuer, grant.id, redemption)?;
                }
            }
            Ok(Step::Keep(()))
        })
        .await
    }
}

fn is_there(connection: &Connection, issuer: &str, grant: &Grant) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM offers WHERE issuer_id = ?1 AND offer_id = ?2";
    connection.prepare_cached(sql)?.exists((issuer, grant.id.0))
}

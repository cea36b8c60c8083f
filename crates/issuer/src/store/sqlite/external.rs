//! Tokens of another authorization server in SQLite.

use async_trait::async_trait;
use oid4vci::grant::Grant;
use rusqlite::Connection;
use serde_json::{Map, Value};

use super::authorization::is_account;
use super::writer::Step;
use super::{Sqlite, redeem, steps};
use crate::store::StoreError;
use crate::store::external::ExternalStore;

#[async_trait]
impl ExternalStore for Sqlite {
    async fn admit(
        &self,
        grant: &Grant,
        account: &str,
        datasets: &Map<String, Value>,
    ) -> Result<bool, StoreError> {
        let (grant, account, datasets) = (grant.clone(), account.to_owned(), datasets.clone());
        self.write(move |connection, issuer| {
            let is_admitted = is_account(connection, issuer, Some(&account))?
                && (is_there(connection, issuer, &grant)?
                    || admit(connection, issuer, &grant, (&account, &datasets))?);
            Ok(if is_admitted { Step::Keep(true) } else { Step::Undo(false) })
        })
        .await
    }
}

fn admit(
    connection: &Connection,
    issuer: &str,
    grant: &Grant,
    (account, datasets): (&str, &Map<String, Value>),
) -> rusqlite::Result<bool> {
    let Some(redemption) = &grant.redemption else { return Ok(false) };
    steps::insert_offer(connection, issuer, grant, datasets)?;
    // Says whose it is; there is no code, and nothing that could be renewed.
    let sql = "INSERT INTO authorizations (issuer_id, offer_id, code_spent, account) \
               VALUES (?1, ?2, 1, ?3)";
    connection.prepare_cached(sql)?.execute((issuer, grant.id.0, account))?;
    redeem::redeem_signed_in(connection, issuer, grant.id, redemption)
}

fn is_there(connection: &Connection, issuer: &str, grant: &Grant) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM offers WHERE issuer_id = ?1 AND offer_id = ?2";
    connection.prepare_cached(sql)?.exists((issuer, grant.id.0))
}

//! The Authorization Code Flow in SQLite.

use async_trait::async_trait;
use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use oid4vci::authorization::{Authorization, GrantedCode, RunningAuthorization, Stage};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::SecretDigest;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::rows::{json, parse, time};
use super::steps::spend;
use super::writer::Step;
use super::{Sqlite, redeem, steps};
use crate::account::Account;
use crate::store::authorization::{
    Allowed, AllowedOffer, AuthorizationStore, Redeeming, Renewed, Renewing,
};
use crate::store::columns::{account_of, needed_account, request_text, stage_of, stage_parts};
use crate::store::{ENDED, StoreError};

#[async_trait]
impl AuthorizationStore for Sqlite {
    async fn begin_authorization(
        &self,
        running: &RunningAuthorization,
        marks: &[SpendableNonce],
    ) -> Result<bool, StoreError> {
        let (running, marks) = (running.clone(), marks.to_vec());
        self.write(move |connection, issuer| {
            if !spend(connection, issuer, marks.iter().copied())? {
                return Ok(Step::Undo(false));
            }
            let sql = "INSERT INTO running_authorizations (issuer_id, offer_id, handle_digest, \
                       stage, account, request, expires_at, provided) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let (stage, account, provided) = stage_parts(&running.stage);
            connection.prepare_cached(sql)?.execute(params![
                issuer,
                running.id.0,
                running.handle_digest.0,
                stage,
                account,
                request_text(&running.request),
                running.expires_at.0,
                provided,
            ])?;
            Ok(Step::Keep(true))
        })
        .await
    }

    async fn running_authorization(
        &self,
        id: OfferId,
    ) -> Result<Option<RunningAuthorization>, StoreError> {
        self.look(|connection, issuer| {
            let sql = "SELECT handle_digest, stage, account, request, expires_at, provided \
                       FROM running_authorizations WHERE issuer_id = ?1 AND offer_id = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row((issuer, id.0), |row| running(row, id)).optional()
        })
    }

    async fn advance_authorization(
        &self,
        seen: &RunningAuthorization,
        next: &RunningAuthorization,
    ) -> Result<bool, StoreError> {
        let (seen, next) = (seen.handle_digest, next.clone());
        self.write(move |connection, issuer| {
            let sql = "UPDATE running_authorizations SET handle_digest = ?4, stage = ?5, \
                       account = ?6, expires_at = ?7, provided = ?8 \
                       WHERE issuer_id = ?1 AND offer_id = ?2 AND handle_digest = ?3";
            let (stage, account, provided) = stage_parts(&next.stage);
            let (id, digest, end) = (next.id.0, next.handle_digest.0, next.expires_at.0);
            let values = (issuer, id, seen.0, digest, stage, account, end, provided);
            Ok(Step::Keep(connection.prepare_cached(sql)?.execute(values)? == 1))
        })
        .await
    }

    async fn deny_authorization(&self, seen: &RunningAuthorization) -> Result<bool, StoreError> {
        let seen = (seen.id, seen.handle_digest);
        self.write(move |connection, issuer| Ok(Step::Keep(end(connection, issuer, seen)?))).await
    }

    async fn allow_authorization(
        &self,
        seen: &RunningAuthorization,
        allowed: &Allowed,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let account = needed_account(&seen.stage).map(str::to_owned);
        let (seen, allowed) = ((seen.id, seen.handle_digest), allowed.clone());
        self.write(move |connection, issuer| {
            let done = is_account(connection, issuer, account.as_deref())?
                && end(connection, issuer, seen)?
                && allow(connection, issuer, &allowed, now)?;
            Ok(if done { Step::Keep(true) } else { Step::Undo(false) })
        })
        .await
    }

    async fn authorization(&self, id: OfferId) -> Result<Option<Authorization>, StoreError> {
        self.look(|connection, issuer| {
            let sql = "SELECT issuer_state_digest, code_digest, code_expires_at, code_spent, \
                       account, request, refresh_digest, refresh_replaced_digest, \
                       refresh_replaced_at, refresh_expires_at, refresh_sender, for_account \
                       FROM authorizations WHERE issuer_id = ?1 AND offer_id = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row((issuer, id.0), |row| authorization(row, id)).optional()
        })
    }

    async fn redeem_authorization_code(
        &self,
        redeeming: &Redeeming<'_>,
        marks: &[SpendableNonce],
    ) -> Result<Renewed, StoreError> {
        let (id, code) = (redeeming.id, *redeeming.code_digest);
        let (redemption, refresh) = (redeeming.redemption.clone(), redeeming.refresh.cloned());
        let marks = marks.to_vec();
        self.write(move |connection, issuer| {
            if !spend(connection, issuer, marks.iter().copied())? {
                return Ok(Step::Undo(Renewed::Replayed));
            }
            let sql = "UPDATE authorizations SET code_spent = 1 WHERE issuer_id = ?1 \
                       AND offer_id = ?2 AND code_digest = ?3 AND code_spent = 0";
            let is_code = connection.prepare_cached(sql)?.execute((issuer, id.0, code.0))? == 1;
            if !is_code || !redeem::redeem_signed_in(connection, issuer, id, &redemption)? {
                return Ok(Step::Undo(Renewed::Changed));
            }
            if let Some(refresh) = &refresh {
                set_refresh(connection, issuer, id, refresh)?;
            }
            Ok(Step::Keep(Renewed::Done))
        })
        .await
    }

    async fn renew_tokens(
        &self,
        renewing: &Renewing<'_>,
        marks: &[SpendableNonce],
    ) -> Result<Renewed, StoreError> {
        let (id, now) = (renewing.id, renewing.now);
        let (token, seen) = (*renewing.seen_token, *renewing.seen_refresh);
        let (redemption, refresh) = (renewing.redemption.clone(), renewing.refresh.clone());
        let marks = marks.to_vec();
        self.write(move |connection, issuer| {
            if !spend(connection, issuer, marks.iter().copied())? {
                return Ok(Step::Undo(Renewed::Replayed));
            }
            let sql = "SELECT 1 FROM authorizations WHERE issuer_id = ?1 AND offer_id = ?2 \
                       AND refresh_digest = ?3 AND refresh_expires_at > ?4";
            let values = (issuer, id.0, seen.0, now.0);
            let is_seen = connection.prepare_cached(sql)?.exists(values)?;
            if !is_seen || !redeem::renew(connection, issuer, (id, token), &redemption)? {
                return Ok(Step::Undo(Renewed::Changed));
            }
            set_refresh(connection, issuer, id, &refresh)?;
            Ok(Step::Keep(Renewed::Done))
        })
        .await
    }

    async fn end_tokens(&self, id: OfferId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection, issuer| {
            let sql = "UPDATE offers SET token_expires_at = min(token_expires_at, ?3), \
                       token_digest = ?4 \
                       WHERE issuer_id = ?1 AND offer_id = ?2 AND redeemed_at IS NOT NULL";
            connection.prepare_cached(sql)?.execute((issuer, id.0, now.0, ENDED))?;
            let sql = "UPDATE authorizations SET refresh_digest = NULL, \
                       refresh_replaced_digest = NULL, refresh_expires_at = NULL \
                       WHERE issuer_id = ?1 AND offer_id = ?2";
            connection.prepare_cached(sql)?.execute((issuer, id.0))?;
            Ok(Step::Keep(()))
        })
        .await
    }

    async fn open_account(&self, account: &Account) -> Result<bool, StoreError> {
        let account = account.clone();
        self.write(move |connection, issuer| {
            let sql = "INSERT INTO accounts (issuer_id, name, password_hash, datasets, created_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
            let datasets = serde_json::Value::from(account.datasets.clone()).to_string();
            let hash = account.password_hash.expose();
            let values = (issuer, &account.name, hash, datasets, account.created_at.0);
            Ok(Step::Keep(connection.prepare_cached(sql)?.execute(values)? == 1))
        })
        .await
    }

    async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        self.look(|connection, issuer| {
            let sql = "SELECT name, password_hash, datasets, created_at FROM accounts \
                       WHERE issuer_id = ?1 AND name = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row((issuer, name), account).optional()
        })
    }

    async fn accounts(&self, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let after = after.to_owned();
        self.list(move |connection, issuer| {
            let sql = "SELECT name FROM accounts WHERE issuer_id = ?1 AND name > ?2 \
                       ORDER BY name LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map((issuer, after, limit), |row| row.get(0))?.collect()
        })
        .await
    }

    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, StoreError> {
        let (name, hash) = (name.to_owned(), password_hash.to_owned());
        self.write(move |connection, issuer| {
            let sql = "UPDATE accounts SET password_hash = ?3 WHERE issuer_id = ?1 AND name = ?2";
            let rows = connection.prepare_cached(sql)?.execute((issuer, name, hash))?;
            Ok(Step::Keep(rows == 1))
        })
        .await
    }

    async fn remove_account(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write(move |connection, issuer| {
            let sql = "UPDATE offers SET token_digest = ?3 WHERE issuer_id = ?1 \
                       AND redeemed_at IS NOT NULL AND offer_id IN (SELECT offer_id \
                       FROM authorizations WHERE issuer_id = ?1 AND account = ?2)";
            connection.execute(sql, (issuer, &name, ENDED))?;
            let sql = "UPDATE authorizations SET code_digest = NULL, refresh_digest = NULL, \
                       refresh_replaced_digest = NULL, refresh_expires_at = NULL \
                       WHERE issuer_id = ?1 AND account = ?2";
            connection.execute(sql, (issuer, &name))?;
            let sql = "DELETE FROM running_authorizations WHERE issuer_id = ?1 AND account = ?2";
            connection.execute(sql, (issuer, &name))?;
            let sql = "DELETE FROM accounts WHERE issuer_id = ?1 AND name = ?2";
            Ok(Step::Keep(connection.execute(sql, (issuer, &name))? == 1))
        })
        .await
    }

    async fn spend(&self, marks: &[SpendableNonce]) -> Result<bool, StoreError> {
        let marks = marks.to_vec();
        self.write(move |connection, issuer| {
            let is_first = spend(connection, issuer, marks.into_iter())?;
            Ok(if is_first { Step::Keep(true) } else { Step::Undo(false) })
        })
        .await
    }
}

/// Whether the account is there; nobody needs one that is not named.
pub(super) fn is_account(
    connection: &Connection,
    issuer: &str,
    name: Option<&str>,
) -> rusqlite::Result<bool> {
    let Some(name) = name else { return Ok(true) };
    let sql = "SELECT 1 FROM accounts WHERE issuer_id = ?1 AND name = ?2";
    connection.prepare_cached(sql)?.exists((issuer, name))
}

fn end(
    connection: &Connection,
    issuer: &str,
    (id, handle): (OfferId, SecretDigest),
) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM running_authorizations \
               WHERE issuer_id = ?1 AND offer_id = ?2 AND handle_digest = ?3";
    Ok(connection.prepare_cached(sql)?.execute((issuer, id.0, handle.0))? == 1)
}

fn allow(
    connection: &Connection,
    issuer: &str,
    allowed: &Allowed,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let id = allowed.offer.id();
    match &allowed.offer {
        AllowedOffer::Fresh(grant, datasets) => {
            steps::insert_offer(connection, issuer, grant, datasets)?;
            open(connection, issuer, (id, None, None))?;
        }
        AllowedOffer::Made(_) => {
            let sql = "SELECT 1 FROM offers WHERE issuer_id = ?1 AND offer_id = ?2 \
                       AND redeemed_at IS NULL AND withdrawn_at IS NULL AND expires_at > ?3";
            if !connection.prepare_cached(sql)?.exists((issuer, id.0, now.0))? {
                return Ok(false);
            }
        }
    }
    let code = &allowed.code;
    let sql = "UPDATE authorizations SET code_digest = ?3, code_expires_at = ?4, account = ?5, \
               request = ?6 WHERE issuer_id = ?1 AND offer_id = ?2 AND code_spent = 0";
    let request = request_text(&code.request);
    let values = (issuer, id.0, code.digest.0, code.expires_at.0, &code.account, request);
    Ok(connection.prepare_cached(sql)?.execute(values)? == 1)
}

/// Puts an authorization beside an offer that was just made.
pub(super) fn open(
    connection: &Connection,
    issuer: &str,
    (id, issuer_state, account): (OfferId, Option<SecretDigest>, Option<&str>),
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO authorizations (issuer_id, offer_id, issuer_state_digest, code_spent, \
               for_account) VALUES (?1, ?2, ?3, 0, ?4)";
    let digest = issuer_state.map(|digest| digest.0);
    connection.prepare_cached(sql)?.execute((issuer, id.0, digest, account))?;
    let sql = "UPDATE offers SET signs_in = 1 WHERE issuer_id = ?1 AND offer_id = ?2";
    connection.prepare_cached(sql)?.execute((issuer, id.0))?;
    Ok(())
}

fn set_refresh(
    connection: &Connection,
    issuer: &str,
    id: OfferId,
    chain: &RefreshChain,
) -> rusqlite::Result<()> {
    let sql = "UPDATE authorizations SET refresh_digest = :digest, \
               refresh_replaced_digest = :replaced, refresh_replaced_at = :replaced_at, \
               refresh_expires_at = :expires_at, refresh_sender = :sender \
               WHERE issuer_id = :issuer AND offer_id = :id";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":digest": chain.digest.0,
        ":replaced": chain.replaced.map(|digest| digest.0),
        ":replaced_at": chain.replaced_at.0,
        ":expires_at": chain.expires_at.0,
        ":sender": chain.sender.as_ref().map(ToString::to_string),
        ":issuer": issuer,
        ":id": id.0,
    })?;
    Ok(())
}

fn running(row: &Row<'_>, id: OfferId) -> rusqlite::Result<RunningAuthorization> {
    let (stage, account): (String, Option<String>) = (row.get(1)?, row.get(2)?);
    let provided: Option<String> = row.get(5)?;
    Ok(RunningAuthorization {
        id,
        handle_digest: SecretDigest(row.get(0)?),
        stage: parse::<Stage>(1, stage_of(&stage, account, provided.as_deref()))?,
        request: json(row, 3)?,
        expires_at: Timestamp(row.get(4)?),
    })
}

fn authorization(row: &Row<'_>, id: OfferId) -> rusqlite::Result<Authorization> {
    let digest = |place| {
        let bytes = row.get::<_, Option<[u8; 32]>>(place)?;
        Ok::<_, rusqlite::Error>(bytes.map(SecretDigest))
    };
    Ok(Authorization {
        id,
        issuer_state_digest: digest(0)?,
        for_account: row.get(11)?,
        code: match digest(1)? {
            Some(digest) => Some(GrantedCode {
                digest,
                expires_at: Timestamp(row.get(2)?),
                is_spent: row.get(3)?,
                account: row.get(4)?,
                request: json(row, 5)?,
            }),
            None => None,
        },
        refresh: match digest(6)? {
            Some(good) => Some(RefreshChain {
                digest: good,
                replaced: digest(7)?,
                replaced_at: time(row, 8)?.unwrap_or_default(),
                expires_at: time(row, 9)?.unwrap_or_default(),
                sender: row
                    .get::<_, Option<String>>(10)?
                    .map(|text| parse(10, Thumbprint::parse(&text)))
                    .transpose()?,
            }),
            None => None,
        },
    })
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(account_of((row.get(0)?, row.get(1)?), json(row, 2)?, Timestamp(row.get(3)?)))
}

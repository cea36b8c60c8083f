//! The steps that need more than one statement; the caller wraps each in one commit.

use keys::json;
use keys::outside::Timestamp;
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, StatusEntry};
use oid4vci::legacy::Dialect;
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;
use oid4vci::secret::SecretDigest;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};
use serde_json::{Map, Value};

use super::writer::Step;
use super::{authorization, rows};
use crate::application::{Application, ApplicationId};
use crate::store::columns::{APPLICATION_COLUMNS, OFFER_COLUMNS, state_condition};
use crate::store::{ApplicationPage, Idempotency, NewOffer, OfferPage, Opened, Recorded};

pub(super) fn open_offer(
    connection: &Connection,
    issuer_id: &str,
    offer: &NewOffer,
) -> rusqlite::Result<Step<Opened>> {
    let id = offer.grant.id;
    if let Some(idempotency) = &offer.idempotency
        && let Some((first, request)) = remember(connection, issuer_id, idempotency, id)?
    {
        return Ok(Step::Undo(Opened::Repeated(first, request)));
    }
    let mut grant = offer.grant.clone();
    if let Some((application, seen)) = offer.application {
        if !attach(connection, issuer_id, application, seen, id)? {
            return Ok(Step::Undo(Opened::Replaced));
        }
        if let Some(seen) = seen {
            let Some(attempts) = replace(connection, issuer_id, seen, grant.created_at)? else {
                return Ok(Step::Undo(Opened::Replaced));
            };
            grant.attempts = attempts;
        }
    }
    insert_offer(connection, issuer_id, &grant, &offer.datasets)?;
    if offer.issuer_state.is_some() {
        let account = offer.for_account.as_deref();
        authorization::open(connection, issuer_id, (id, offer.issuer_state, account))?;
    }
    Ok(Step::Keep(Opened::Opened))
}

pub(super) fn insert_offer(
    connection: &Connection,
    issuer_id: &str,
    grant: &Grant,
    datasets: &Map<String, Value>,
) -> rusqlite::Result<()> {
    insert_grant(connection, issuer_id, grant)?;
    let sql = "INSERT INTO datasets (issuer_id, offer_id, datasets) VALUES (?1, ?2, ?3)";
    let datasets = json::text(datasets);
    connection.prepare_cached(sql)?.execute((issuer_id, grant.id.0, datasets))?;
    Ok(())
}

fn insert_grant(connection: &Connection, issuer_id: &str, grant: &Grant) -> rusqlite::Result<()> {
    let sql = "INSERT INTO offers (issuer_id, offer_id, created_at, expires_at, \
               credential_configuration_ids, reference_digest, code_digest, tx_code_digest, \
               attempts, issued_count, draft) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        issuer_id,
        grant.id.0,
        grant.created_at.0,
        grant.expires_at.0,
        list(&grant.credential_configuration_ids),
        grant.reference_digest.0,
        grant.code_digest.0,
        grant.tx_code_digest.map(|digest| digest.0),
        grant.attempts,
        grant.dialect.map(Dialect::name),
    ])?;
    Ok(())
}

/// Ends the offer that another one replaces, and gives back its wrong Transaction Codes; `None` when
/// its token is alive, something was issued from it, or waits to be.
fn replace(
    connection: &Connection,
    issuer_id: &str,
    id: OfferId,
    now: Timestamp,
) -> rusqlite::Result<Option<u32>> {
    let sql = "UPDATE offers SET withdrawn_at = coalesce(withdrawn_at, ?3) WHERE issuer_id = ?1 \
               AND offer_id = ?2 AND issued_count = 0 AND coalesce(token_expires_at, 0) <= ?3 \
               AND coalesce(deferred_until, 0) <= ?3 RETURNING attempts";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row((issuer_id, id.0, now.0), |row| row.get(0)).optional()
}

/// Remembers a key, or finds the offer that it made before.
fn remember(
    connection: &Connection,
    issuer_id: &str,
    idempotency: &Idempotency,
    id: OfferId,
) -> rusqlite::Result<Option<(OfferId, SecretDigest)>> {
    let key = idempotency.key_digest.0;
    let sql = "INSERT INTO idempotency_keys (issuer_id, key_digest, request_digest, offer_id, \
               expires_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let request = idempotency.request_digest.0;
    let values = (issuer_id, key, request, id.0, idempotency.expires_at.0);
    if connection.prepare_cached(sql)?.execute(values)? == 1 {
        return Ok(None);
    }
    let sql = "SELECT offer_id, request_digest FROM idempotency_keys \
               WHERE issuer_id = ?1 AND key_digest = ?2";
    connection
        .prepare_cached(sql)?
        .query_row((issuer_id, key), |row| Ok((OfferId(row.get(0)?), SecretDigest(row.get(1)?))))
        .optional()
}

fn attach(
    connection: &Connection,
    issuer_id: &str,
    application: ApplicationId,
    seen: Option<OfferId>,
    id: OfferId,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE applications SET offer_id = ?3 WHERE issuer_id = ?1 \
               AND application_id = ?2 AND offer_id IS ?4 AND state = 'approved'";
    let values = (issuer_id, application.0.0, id.0, seen.map(|id| id.0));
    Ok(connection.prepare_cached(sql)?.execute(values)? == 1)
}

pub(super) fn grant(
    connection: &Connection,
    issuer_id: &str,
    id: OfferId,
) -> rusqlite::Result<Option<Grant>> {
    let sql = format!("SELECT {OFFER_COLUMNS} FROM offers WHERE issuer_id = ?1 AND offer_id = ?2");
    let found =
        connection.prepare_cached(&sql)?.query_row((issuer_id, id.0), rows::grant).optional()?;
    found.map(|found| rows::with_issuances(connection, issuer_id, found)).transpose()
}

/// A [`Record`] with its nonces, taken along to the writer.
pub(super) struct Issuance {
    pub(super) id: OfferId,
    pub(super) seen_count: usize,
    pub(super) token_digest: [u8; 32],
    /// Configuration and key of each credential.
    pub(super) issued: Vec<(String, Option<String>)>,
    pub(super) nonces: Vec<SpendableNonce>,
    pub(super) used: Vec<UsedJti>,
    entries: Vec<StatusEntry>,
    pub(super) now: Timestamp,
}

impl Issuance {
    pub(super) fn of(
        record: &Record<'_>,
        nonces: &[SpendableNonce],
        entries: &[StatusEntry],
        now: Timestamp,
    ) -> Self {
        let token = record.grant.redemption.as_ref().map(|redemption| redemption.token_digest.0);
        let issued = record.issued();
        Self {
            id: record.grant.id,
            seen_count: record.grant.issued.len(),
            token_digest: token.unwrap_or_default(), // no token has this digest
            issued: issued.map(|(id, key)| (id.to_owned(), key.map(ToString::to_string))).collect(),
            nonces: nonces.to_vec(),
            used: record.used.into_iter().collect(),
            entries: entries.to_vec(),
            now,
        }
    }
}

pub(super) fn record_issuance(
    connection: &Connection,
    issuer_id: &str,
    issuance: &Issuance,
) -> rusqlite::Result<Step<Recorded>> {
    let (id, seen) = (issuance.id.0, issuance.seen_count);
    let sql = "UPDATE offers SET issued_count = ?3 WHERE issuer_id = ?1 AND offer_id = ?2 \
               AND issued_count = ?4 AND withdrawn_at IS NULL AND token_digest = ?5 \
               AND token_expires_at > ?6";
    let count = seen + issuance.issued.len();
    let values = (issuer_id, id, count, seen, issuance.token_digest, issuance.now.0);
    if connection.prepare_cached(sql)?.execute(values)? == 0 {
        return Ok(Step::Undo(Recorded::Changed));
    }
    if !spend(connection, issuer_id, issuance.used.iter().flat_map(UsedJti::marks))? {
        return Ok(Step::Undo(Recorded::Replayed));
    }
    if !spend(connection, issuer_id, issuance.nonces.iter().copied())? {
        return Ok(Step::Undo(Recorded::NonceSpent));
    }
    insert_issuances(connection, issuer_id, issuance)?;
    Ok(Step::Keep(Recorded::Recorded))
}

pub(super) fn insert_issuances(
    connection: &Connection,
    issuer_id: &str,
    issuance: &Issuance,
) -> rusqlite::Result<()> {
    let (id, seen) = (issuance.id.0, issuance.seen_count);
    for (at, (configuration, thumbprint)) in issuance.issued.iter().enumerate() {
        let sql = "INSERT INTO issuances (issuer_id, offer_id, place, \
                   credential_configuration_id, thumbprint, issued_at, list_id, idx) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let entry = issuance.entries.get(at);
        let (list, idx) = (entry.map(|entry| entry.list), entry.map(|entry| entry.idx));
        let now = issuance.now.0;
        let values = (issuer_id, id, seen + at, configuration, thumbprint, now, list, idx);
        connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

/// Spends what may come once; `false` when some of it was spent before, and the step is to be undone.
pub(super) fn spend(
    connection: &Connection,
    issuer_id: &str,
    nonces: impl Iterator<Item = SpendableNonce>,
) -> rusqlite::Result<bool> {
    for nonce in nonces {
        let sql = "INSERT INTO spent_nonces (issuer_id, nonce) VALUES (?1, ?2) \
                   ON CONFLICT DO NOTHING";
        if connection.prepare_cached(sql)?.execute((issuer_id, nonce.front))? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn offers(
    connection: &Connection,
    issuer_id: &str,
    page: &OfferPage,
) -> rusqlite::Result<Vec<Grant>> {
    let condition = page.state.map_or(":now >= 0 AND :attempts_max >= 0", state_condition);
    let sql = format!(
        "SELECT {OFFER_COLUMNS} FROM offers WHERE issuer_id = :issuer AND offer_id < :after \
         AND {condition} ORDER BY offer_id DESC LIMIT :limit"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let newest = OfferId([0xff; 16]);
    let values = named_params! {
        ":issuer": issuer_id,
        ":after": page.after.unwrap_or(newest).0,
        ":now": page.now.0,
        ":attempts_max": page.attempts_max,
        ":limit": page.limit,
    };
    let found = statement.query_map(values, rows::grant)?;
    found.map(|row| rows::with_issuances(connection, issuer_id, row?)).collect()
}

pub(super) fn open_application(
    connection: &Connection,
    issuer_id: &str,
    application: &Application,
) -> rusqlite::Result<Step<()>> {
    let sql = format!(
        "INSERT INTO applications (issuer_id, {APPLICATION_COLUMNS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    );
    connection.prepare_cached(&sql)?.execute(params![
        issuer_id,
        application.id.0.0,
        application.secret_digest.0,
        application.credential_configuration_id,
        json::text(&application.claims),
        application.state.name(),
        application.created_at.0,
        application.decided_at.map(|at| at.0),
        application.approvals,
        application.offer_id.map(|id| id.0),
    ])?;
    Ok(Step::Keep(()))
}

pub(super) fn applications(
    connection: &Connection,
    issuer_id: &str,
    page: &ApplicationPage,
) -> rusqlite::Result<Vec<Application>> {
    let sql = format!(
        "SELECT {APPLICATION_COLUMNS} FROM applications WHERE issuer_id = ?1 \
         AND application_id > ?2 AND (?3 IS NULL OR state = ?3) \
         ORDER BY application_id LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let after = page.after.map_or([0; 16], |id| id.0.0);
    let state = page.state.map(crate::application::ApplicationState::name);
    let rows = statement.query_map((issuer_id, after, state, page.limit), rows::application)?;
    rows.collect()
}

/// Identifiers of configurations as one JSON array.
pub(super) fn list(ids: &[String]) -> String {
    Value::from(ids).to_string()
}

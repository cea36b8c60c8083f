//! Deferred issuances and notifications in SQLite.

use async_trait::async_trait;
use keys::outside::Timestamp;
use oid4vci::credential::Record;
use oid4vci::deferred::{DEFERRALS_MAX, Deferral, DeferralId, DeferralState};
use oid4vci::grant::StatusEntry;
use oid4vci::nonce::SpendableNonce;
use oid4vci::notification::{Event, Notified};
use oid4vci::offer::OfferId;
use oid4vci::replay::UsedJti;
use rusqlite::{Connection, OptionalExtension as _, named_params};
use serde_json::{Map, Value};

use super::steps::{Issuance, insert_issuances, spend};
use super::writer::Step;
use super::{Sqlite, rows};
use crate::store::StoreError;
use crate::store::columns::DEFERRAL_COLUMNS;
use crate::store::deferral::{DeferralPage, DeferralStore, Deferred, claims_text};

/// Until when something of the offer waits, after one of its deferrals has changed.
const STILL_WAITING: &str = "(SELECT max(expires_at) FROM deferrals WHERE issuer_id = ?1 \
    AND offer_id = ?2 AND state IN ('waiting', 'approved'))";

#[async_trait]
impl DeferralStore for Sqlite {
    async fn defer(
        &self,
        record: &Record<'_>,
        nonces: &[SpendableNonce],
        deferral: &Deferral,
    ) -> Result<Deferred, StoreError> {
        let issuance = Issuance::of(record, nonces, &[], deferral.created_at);
        let deferral = deferral.clone();
        self.write(move |connection, issuer| defer(connection, issuer, &issuance, &deferral)).await
    }

    async fn deferral(&self, id: DeferralId) -> Result<Option<Deferral>, StoreError> {
        self.look(|connection, issuer| {
            let sql = format!(
                "SELECT {DEFERRAL_COLUMNS} FROM deferrals WHERE issuer_id = ?1 AND deferral_id = ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row((issuer, id.0.0), rows::deferral).optional()
        })
    }

    async fn deferrals(&self, page: DeferralPage) -> Result<Vec<Deferral>, StoreError> {
        self.list(move |connection, issuer| {
            let sql = format!(
                "SELECT {DEFERRAL_COLUMNS} FROM deferrals WHERE issuer_id = ?1 \
                 AND deferral_id > ?2 AND (?3 IS NULL OR state = ?3) ORDER BY deferral_id LIMIT ?4"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let after = page.after.map_or([0; 16], |id| id.0.0);
            let state = page.state.map(DeferralState::name);
            statement.query_map((issuer, after, state, page.limit), rows::deferral)?.collect()
        })
        .await
    }

    async fn decide_deferral(
        &self,
        seen: &Deferral,
        state: DeferralState,
        claims: Option<&Map<String, Value>>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, offer, seen_state) = (seen.id, seen.offer_id, seen.state);
        let claims = claims_text(claims);
        self.write(move |connection, issuer| {
            let sql = "UPDATE deferrals SET state = ?3, claims = coalesce(?4, claims), \
                       decided_at = ?5 WHERE issuer_id = ?1 AND deferral_id = ?2 AND state = ?6 \
                       AND state IN ('waiting', 'approved')";
            let values = (issuer, id.0.0, state.name(), claims, now.0, seen_state.name());
            if connection.prepare_cached(sql)?.execute(values)? == 0 {
                return Ok(Step::Undo(false));
            }
            let sql = format!(
                "UPDATE offers SET deferred_until = {STILL_WAITING} WHERE issuer_id = ?1 \
                 AND offer_id = ?2"
            );
            connection.prepare_cached(&sql)?.execute((issuer, offer.0))?;
            Ok(Step::Keep(true))
        })
        .await
    }

    async fn deliver(
        &self,
        record: &Record<'_>,
        deferral: &Deferral,
        entries: &[StatusEntry],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let issuance = Issuance::of(record, &[], entries, now);
        let (id, claims) = (deferral.id, claims_text(deferral.claims.as_ref()));
        self.write(move |connection, issuer| deliver(connection, issuer, (id, &claims), &issuance))
            .await
    }

    async fn note_event(
        &self,
        notified: &Notified,
        event: Event,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (id, first) = (notified.offer_id, notified.place);
        let end = u32::from(first) + u32::from(notified.count);
        self.write(move |connection, issuer| {
            let sql = "UPDATE issuances SET event = :event, notified_at = :now \
                       WHERE issuer_id = :issuer AND offer_id = :id AND place >= :first \
                       AND place < :end AND coalesce(event, 'credential_accepted') \
                       = 'credential_accepted' AND coalesce(event, '') <> :event";
            connection.prepare_cached(sql)?.execute(named_params! {
                ":event": event.name(), ":now": now.0, ":issuer": issuer, ":id": id.0,
                ":first": first, ":end": end,
            })?;
            Ok(Step::Keep(()))
        })
        .await
    }
}

fn defer(
    connection: &Connection,
    issuer_id: &str,
    issuance: &Issuance,
    deferral: &Deferral,
) -> rusqlite::Result<Step<Deferred>> {
    if !still_holds(connection, issuer_id, issuance, deferral.expires_at)? {
        return Ok(Step::Undo(Deferred::Changed));
    }
    if !spend(connection, issuer_id, issuance.used.iter().flat_map(UsedJti::marks))? {
        return Ok(Step::Undo(Deferred::Replayed));
    }
    if !spend(connection, issuer_id, issuance.nonces.iter().copied())? {
        return Ok(Step::Undo(Deferred::NonceSpent));
    }
    match insert(connection, issuer_id, deferral)? {
        Some(state) if state != DeferralState::Rejected => {
            Ok(Step::Keep(Deferred::Recorded(state)))
        }
        // Nothing waits longer because of it.
        Some(state) => Ok(Step::Undo(Deferred::Recorded(state))),
        None => Ok(Step::Undo(Deferred::TooMany)),
    }
}

/// The offer as it was seen, which now waits at least so long.
fn still_holds(
    connection: &Connection,
    issuer_id: &str,
    issuance: &Issuance,
    until: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE offers SET deferred_until = max(coalesce(deferred_until, 0), ?3) \
               WHERE issuer_id = ?1 AND offer_id = ?2 AND issued_count = ?4 \
               AND withdrawn_at IS NULL AND token_digest = ?5 AND token_expires_at > ?6";
    let seen = issuance.seen_count;
    let values = (issuer_id, issuance.id.0, until.0, seen, issuance.token_digest, issuance.now.0);
    Ok(connection.prepare_cached(sql)?.execute(values)? == 1)
}

/// Inserts it, or finds the one of the same keys; `None` when too many wait.
fn insert(
    connection: &Connection,
    issuer_id: &str,
    deferral: &Deferral,
) -> rusqlite::Result<Option<DeferralState>> {
    let sql = "INSERT INTO deferrals (issuer_id, deferral_id, offer_id, transaction_digest, \
               credential_configuration_id, proofs, state, created_at, expires_at) \
               SELECT :issuer, :id, :offer, :digest, :configuration, :proofs, 'waiting', :now, \
               :until WHERE (SELECT count(*) FROM deferrals WHERE issuer_id = :issuer \
               AND offer_id = :offer AND deferral_id <> :id) < :most \
               ON CONFLICT (issuer_id, deferral_id) DO UPDATE SET \
               transaction_digest = excluded.transaction_digest, state = \
               CASE state WHEN 'delivered' THEN 'approved' ELSE state END RETURNING state";
    let proofs = deferral.proofs.as_ref().map(|proofs| proofs.to_kept().to_string());
    let values = named_params! {
        ":issuer": issuer_id,
        ":id": deferral.id.0.0,
        ":offer": deferral.offer_id.0,
        ":digest": deferral.transaction_digest.0,
        ":configuration": deferral.credential_configuration_id,
        ":proofs": proofs,
        ":now": deferral.created_at.0,
        ":until": deferral.expires_at.0,
        ":most": DEFERRALS_MAX,
    };
    let mut statement = connection.prepare_cached(sql)?;
    let state: Option<String> = statement.query_row(values, |row| row.get(0)).optional()?;
    Ok(state.and_then(|name| DeferralState::parse(&name)))
}

fn deliver(
    connection: &Connection,
    issuer_id: &str,
    (id, claims): (DeferralId, &Option<String>),
    issuance: &Issuance,
) -> rusqlite::Result<Step<bool>> {
    let sql = "UPDATE deferrals SET state = 'delivered', decided_at = ?3 WHERE issuer_id = ?1 \
               AND deferral_id = ?2 AND state = 'approved' AND claims IS ?4";
    let values = (issuer_id, id.0.0, issuance.now.0, claims);
    if connection.prepare_cached(sql)?.execute(values)? == 0 {
        return Ok(Step::Undo(false));
    }
    let OfferId(offer) = issuance.id;
    let sql = format!(
        "UPDATE offers SET issued_count = ?3, deferred_until = {STILL_WAITING} \
         WHERE issuer_id = ?1 AND offer_id = ?2 AND issued_count = ?4 AND withdrawn_at IS NULL \
         AND token_digest = ?5"
    );
    let (seen, token) = (issuance.seen_count, issuance.token_digest);
    let values = (issuer_id, offer, seen + issuance.issued.len(), seen, token);
    if connection.prepare_cached(&sql)?.execute(values)? == 0 {
        return Ok(Step::Undo(false));
    }
    insert_issuances(connection, issuer_id, issuance)?;
    Ok(Step::Keep(true))
}

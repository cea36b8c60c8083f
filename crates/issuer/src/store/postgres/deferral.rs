//! Deferred issuances and notifications in PostgreSQL, one by one: an officer stands behind each.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use keys::outside::Timestamp;
use oid4vci::credential::Record;
use oid4vci::deferred::{DEFERRALS_MAX, Deferral, DeferralId, DeferralState};
use oid4vci::grant::StatusEntry;
use oid4vci::nonce::SpendableNonce;
use oid4vci::notification::{Event, Notified};
use serde_json::{Map, Value};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Postgres;
use super::connection::Connection;
use super::fault::Fault;
use super::rows::{self, big, uuid};
use super::single::Context;
use super::write::Issuance;
use crate::store::StoreError;
use crate::store::columns::DEFERRAL_COLUMNS;
use crate::store::deferral::{DeferralPage, DeferralStore, Deferred, claims_text};

/// The offer as it was seen, which now waits at least so long.
///
/// Does not name itself as the last step of the offer, here as below: what came before and whose
/// outcome is unknown is still read back.
const STILL_HOLDS: &str = "
UPDATE offers SET deferred_until = greatest(coalesce(deferred_until, 0), $3)
WHERE issuer_id = $1 AND offer_id = $2 AND issued_count = $4 AND withdrawn_at IS NULL
    AND token_digest = $5 AND token_expires_at > $6";

pub(super) const SPEND: &str = "
INSERT INTO spent_nonces (issuer_id, nonce) SELECT $1, nonce FROM unnest($2::BYTEA[]) AS given (nonce)
ON CONFLICT DO NOTHING";

/// Inserts a deferral, or finds the one of the same keys; nothing comes back when too many wait.
const INSERT: &str = "
INSERT INTO deferrals (issuer_id, deferral_id, offer_id, transaction_digest,
    credential_configuration_id, proofs, state, created_at, expires_at, step_id)
SELECT $1::TEXT, $2::UUID, $3::UUID, $4::BYTEA, $5::TEXT, $6::TEXT, 'waiting', $7::BIGINT,
    $8::BIGINT, $9::UUID
WHERE (SELECT count(*) FROM deferrals WHERE issuer_id = $1 AND offer_id = $3
    AND deferral_id <> $2) < $10::BIGINT
ON CONFLICT (issuer_id, deferral_id) DO UPDATE SET step_id = excluded.step_id,
    transaction_digest = excluded.transaction_digest,
    state = CASE deferrals.state WHEN 'delivered' THEN 'approved' ELSE deferrals.state END
RETURNING state";

const DECIDE: &str = "
UPDATE deferrals SET state = $3, claims = coalesce($4, claims), decided_at = $5, step_id = $7
WHERE issuer_id = $1 AND deferral_id = $2 AND state = $6 AND state IN ('waiting', 'approved')";

/// Until when something of the offer waits, after one of its deferrals was decided.
const WAIT_ON: &str = "
UPDATE offers SET deferred_until = (SELECT max(expires_at) FROM deferrals
    WHERE issuer_id = $1 AND offer_id = $2 AND state IN ('waiting', 'approved'))
WHERE issuer_id = $1 AND offer_id = $2";

/// Taken first by whoever computes until when the offer waits: it must see every deferral that another
/// step has just committed.
const HOLD: &str =
    "UPDATE offers SET issued_count = issued_count WHERE issuer_id = $1 AND offer_id = $2";

const DELIVER: &str = "
UPDATE deferrals SET state = 'delivered', decided_at = $3, step_id = $4
WHERE issuer_id = $1 AND deferral_id = $2 AND state = 'approved' AND claims IS NOT DISTINCT FROM $5";

const COUNT_ON: &str = "
UPDATE offers SET issued_count = $3, deferred_until = (SELECT max(expires_at) FROM deferrals
    WHERE issuer_id = $1 AND offer_id = $2 AND state IN ('waiting', 'approved'))
WHERE issuer_id = $1 AND offer_id = $2 AND issued_count = $4 AND withdrawn_at IS NULL
    AND token_digest = $5";

const RECORD: &str = "
INSERT INTO issuances (issuer_id, offer_id, place, credential_configuration_id, thumbprint,
    issued_at, list_id, idx)
SELECT $1::TEXT, $2::UUID, place, configuration, thumbprint, $4::BIGINT, list_id, idx
FROM unnest($3::TEXT[], $5::BIGINT[], $6::TEXT[], $7::BIGINT[], $8::BIGINT[])
AS issued (configuration, place, thumbprint, list_id, idx)";

/// A write, for the reason given at `STEPS_DONE`.
const STEP_DONE: &str = "
UPDATE deferrals SET step_id = step_id WHERE issuer_id = $1 AND deferral_id = $2 AND step_id = $3
RETURNING state";

const NOTE_EVENT: &str = "
UPDATE issuances SET event = $5, notified_at = $6 WHERE issuer_id = $1 AND offer_id = $2
    AND place >= $3 AND place < $4
    AND coalesce(event, 'credential_accepted') = 'credential_accepted'
    AND coalesce(event, '') <> $5";

#[async_trait]
impl DeferralStore for Postgres {
    async fn defer(
        &self,
        record: &Record<'_>,
        nonces: &[SpendableNonce],
        deferral: &Deferral,
    ) -> Result<Deferred, StoreError> {
        let issuance = Issuance::of(Uuid::nil(), record, (nonces, &[]), deferral.created_at);
        self.single((issuance, deferral), |connection, context, (issuance, deferral)| {
            defer(connection, context, issuance, deferral).boxed()
        })
        .await
    }

    async fn deferral(&self, id: DeferralId) -> Result<Option<Deferral>, StoreError> {
        self.single(id, |connection, context, id| {
            let id = uuid(id.0);
            async move {
                let sql = format!(
                    "SELECT {DEFERRAL_COLUMNS} FROM deferrals \
                     WHERE issuer_id = $1 AND deferral_id = $2"
                );
                let found = connection.client.query_opt(&sql, &[&context.issuer_id, &id]).await?;
                found.as_ref().map(rows::deferral).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn deferrals(&self, page: DeferralPage) -> Result<Vec<Deferral>, StoreError> {
        self.single(page, |connection, context, page| deferrals(connection, context, page).boxed())
            .await
    }

    async fn decide_deferral(
        &self,
        seen: &Deferral,
        state: DeferralState,
        claims: Option<&Map<String, Value>>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let claims = claims_text(claims);
        self.single((seen, state, claims, now), |connection, context, decision| {
            decide(connection, context, decision).boxed()
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
        let issuance = Issuance::of(Uuid::nil(), record, (&[], entries), now);
        let seen = (deferral.id, claims_text(deferral.claims.as_ref()));
        self.single((issuance, seen), |connection, context, (issuance, seen)| {
            deliver(connection, context, issuance, seen).boxed()
        })
        .await
    }

    async fn note_event(
        &self,
        notified: &Notified,
        event: Event,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let first = i64::from(notified.place);
        let places = (first, first + i64::from(notified.count));
        let step = (uuid(notified.offer_id), places, event, big(now.0));
        self.single(step, |connection, context, step| {
            let (id, (first, end), event, now) = *step;
            async move {
                let event = event.name();
                let values: [&(dyn ToSql + Sync); 6] =
                    [&context.issuer_id, &id, &first, &end, &event, &now];
                connection.client.execute(NOTE_EVENT, &values).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

async fn defer(
    connection: &mut Connection,
    context: Context<'_>,
    issuance: &Issuance,
    deferral: &Deferral,
) -> Result<Deferred, Fault> {
    let transaction = connection.client.transaction().await?;
    let outcome = put_off(&transaction, context, issuance, deferral).await?;
    // Nothing waits longer because of what was rejected.
    if let Deferred::Recorded(state) = outcome
        && state != DeferralState::Rejected
    {
        transaction.commit().await?;
        return Ok(outcome);
    }
    transaction.rollback().await?;
    if let (true, Some(state)) =
        (context.again, state_of_step(connection, context, deferral.id).await?)
    {
        return Ok(Deferred::Recorded(state));
    }
    Ok(outcome)
}

async fn put_off(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    issuance: &Issuance,
    deferral: &Deferral,
) -> Result<Deferred, Fault> {
    let offer = uuid(issuance.id);
    let (until, seen) = (big(deferral.expires_at.0), big(issuance.seen_count));
    let token = issuance.token_digest.as_slice();
    let values: [&(dyn ToSql + Sync); 6] =
        [&context.issuer_id, &offer, &until, &seen, &token, &issuance.now];
    if transaction.execute(STILL_HOLDS, &values).await? == 0 {
        return Ok(Deferred::Changed);
    }
    for (once, refusal) in
        [(&issuance.used, Deferred::Replayed), (&issuance.nonces, Deferred::NonceSpent)]
    {
        let once: Vec<&[u8]> = once.iter().map(<[u8; 24]>::as_slice).collect();
        let spent = transaction.execute(SPEND, &[&context.issuer_id, &once]).await?;
        if spent != once.len() as u64 {
            return Ok(refusal);
        }
    }
    let proofs = deferral.proofs.as_ref().map(|proofs| proofs.to_kept().to_string());
    let digest = deferral.transaction_digest.0.as_slice();
    let (most, id) = (i64::from(DEFERRALS_MAX), uuid(deferral.id.0));
    let values: [&(dyn ToSql + Sync); 10] = [
        &context.issuer_id,
        &id,
        &offer,
        &digest,
        &deferral.credential_configuration_id,
        &proofs,
        &issuance.now,
        &until,
        &context.step_id,
        &most,
    ];
    let Some(row) = transaction.query_opt(INSERT, &values).await? else {
        return Ok(Deferred::TooMany);
    };
    Ok(Deferred::Recorded(rows::deferral_state(&row, 0)?))
}

/// The state of a deferral whose last step is this one.
async fn state_of_step(
    connection: &Connection,
    context: Context<'_>,
    id: DeferralId,
) -> Result<Option<DeferralState>, Fault> {
    let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &uuid(id.0), &context.step_id];
    let row = connection.client.query_opt(STEP_DONE, &values).await?;
    row.map(|row| rows::deferral_state(&row, 0)).transpose()
}

async fn deferrals(
    connection: &mut Connection,
    context: Context<'_>,
    page: &DeferralPage,
) -> Result<Vec<Deferral>, Fault> {
    let sql = format!(
        "SELECT {DEFERRAL_COLUMNS} FROM deferrals WHERE issuer_id = $1 AND deferral_id > $2 \
         AND ($3::TEXT IS NULL OR state = $3) ORDER BY deferral_id LIMIT $4"
    );
    let after = page.after.map_or(Uuid::nil(), |id| uuid(id.0));
    let (state, limit) = (page.state.map(DeferralState::name), big(page.limit));
    let values: [&(dyn ToSql + Sync); 4] = [&context.issuer_id, &after, &state, &limit];
    connection.client.query(&sql, &values).await?.iter().map(rows::deferral).collect()
}

async fn decide(
    connection: &mut Connection,
    context: Context<'_>,
    (seen, state, claims, now): &(&Deferral, DeferralState, Option<String>, Timestamp),
) -> Result<bool, Fault> {
    let transaction = connection.client.transaction().await?;
    let (id, offer, now) = (uuid(seen.id.0), uuid(seen.offer_id), big(now.0));
    let (name, seen_name) = (state.name(), seen.state.name());
    let values: [&(dyn ToSql + Sync); 7] =
        [&context.issuer_id, &id, &name, claims, &now, &seen_name, &context.step_id];
    transaction.execute(HOLD, &[&context.issuer_id, &offer]).await?;
    if transaction.execute(DECIDE, &values).await? == 1 {
        transaction.execute(WAIT_ON, &[&context.issuer_id, &offer]).await?;
        transaction.commit().await?;
        return Ok(true);
    }
    transaction.rollback().await?;
    Ok(context.again && state_of_step(connection, context, seen.id).await? == Some(*state))
}

async fn deliver(
    connection: &mut Connection,
    context: Context<'_>,
    issuance: &Issuance,
    seen: &(DeferralId, Option<String>),
) -> Result<bool, Fault> {
    let transaction = connection.client.transaction().await?;
    if hand_over(&transaction, context, issuance, seen).await? {
        transaction.commit().await?;
        return Ok(true);
    }
    transaction.rollback().await?;
    let state =
        if context.again { state_of_step(connection, context, seen.0).await? } else { None };
    Ok(state == Some(DeferralState::Delivered))
}

async fn hand_over(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    issuance: &Issuance,
    (id, claims): &(DeferralId, Option<String>),
) -> Result<bool, Fault> {
    transaction.execute(HOLD, &[&context.issuer_id, &uuid(issuance.id)]).await?;
    let values: [&(dyn ToSql + Sync); 5] =
        [&context.issuer_id, &uuid(id.0), &issuance.now, &context.step_id, claims];
    if transaction.execute(DELIVER, &values).await? == 0 {
        return Ok(false);
    }
    let (offer, seen) = (uuid(issuance.id), issuance.seen_count);
    let (before, after) = (big(seen), big(seen + issuance.thumbprints.len()));
    let token = issuance.token_digest.as_slice();
    let values: [&(dyn ToSql + Sync); 5] = [&context.issuer_id, &offer, &after, &before, &token];
    if transaction.execute(COUNT_ON, &values).await? == 0 {
        return Ok(false);
    }
    let places: Vec<i64> = (seen..).take(issuance.thumbprints.len()).map(big).collect();
    let entry = |at: usize| issuance.entries.get(at);
    let count = 0..issuance.thumbprints.len();
    let lists: Vec<Option<i64>> =
        count.clone().map(|at| entry(at).map(|entry| big(entry.list))).collect();
    let indices: Vec<Option<i64>> = count.map(|at| entry(at).map(|entry| big(entry.idx))).collect();
    let values: [&(dyn ToSql + Sync); 8] = [
        &context.issuer_id,
        &offer,
        &issuance.configurations,
        &issuance.now,
        &places,
        &issuance.thumbprints,
        &lists,
        &indices,
    ];
    transaction.execute(RECORD, &values).await?;
    Ok(true)
}

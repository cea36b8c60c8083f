//! Steps that are done one by one: applications, lists, withdrawals, and the offer of an application.

use keys::outside::Timestamp;
use oid4vci::grant::Grant;
use oid4vci::offer::OfferId;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::authorization_writes;
use super::batch::open_offers;
use super::connection::{Connection, Query};
use super::fault::Fault;
use super::rows::{self, ISSUANCES_COLUMN, big, digest, offer_id, uuid, value};
use super::statements::REMEMBERED;
use super::write::Open;
use crate::application::{Application, ApplicationId, ApplicationState};
use crate::store::columns::{APPLICATION_COLUMNS, OFFER_COLUMNS, state_condition};
use crate::store::{ApplicationPage, OfferPage, Opened};

/// What stands before the values of every step here.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) issuer_id: &'c str,
    /// Names this try, so that its outcome can be read back.
    pub(super) step_id: Uuid,
    /// It ran before, and may have been committed.
    pub(super) again: bool,
}

/// Opens an offer with more than its own rows, in one transaction: an application has it, the offer
/// that it replaces is dead, and its wrong Transaction Codes count on; or it can be taken by signing
/// in.
pub(super) async fn open_for_application(
    connection: &mut Connection,
    context: Context<'_>,
    open: &Open,
) -> Result<Opened, Fault> {
    let id = uuid(open.offer.grant.id);
    let statement = connection.statement(super::statements::OPEN_OFFERS).await?;
    let transaction = connection.client.transaction().await?;
    let outcome = match place_in_application(&transaction, context, open).await? {
        Placed::Here(attempts) => {
            let mut query: Query<'_> = open_offers(&[open]);
            query.values.insert(0, Box::new(context.issuer_id));
            if let Some(place) = query.values.get_mut(ATTEMPTS_PLACE) {
                *place = Box::new(vec![attempts]);
            }
            match transaction.query_opt(&statement, &query.values()).await? {
                Some(_) => {
                    if let Some(digest) = &open.offer.issuer_state {
                        let beside = (Some(digest), open.offer.for_account.as_deref());
                        let id = open.offer.grant.id;
                        authorization_writes::open(&transaction, context, id, beside).await?;
                    }
                    transaction.commit().await?;
                    return Ok(Opened::Opened);
                }
                None => remembered(&transaction, context, open).await?,
            }
        }
        Placed::Nowhere => Opened::Replaced,
    };
    transaction.rollback().await?;
    if context.again && is_step_of_offer(connection, context, id).await? {
        return Ok(Opened::Opened);
    }
    Ok(outcome)
}

/// Where `attempts` stands among the values of `OPEN_OFFERS`.
const ATTEMPTS_PLACE: usize = 8;

enum Placed {
    /// With so many wrong Transaction Codes to begin with.
    Here(i64),
    /// The application has another offer by now.
    Nowhere,
}

async fn place_in_application(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    open: &Open,
) -> Result<Placed, Fault> {
    let grant = &open.offer.grant;
    let Some((application, seen)) = open.offer.application else {
        return Ok(Placed::Here(big(grant.attempts)));
    };
    let sql = "UPDATE applications SET offer_id = $3, step_id = $5 WHERE issuer_id = $1 \
               AND application_id = $2 AND offer_id IS NOT DISTINCT FROM $4 AND state = 'approved'";
    let (application, seen) = (uuid(application.0), seen.map(uuid));
    let values: [&(dyn ToSql + Sync); 5] =
        [&context.issuer_id, &application, &uuid(grant.id), &seen, &context.step_id];
    if transaction.execute(sql, &values).await? == 0 {
        return Ok(Placed::Nowhere);
    }
    let Some(seen) = seen else { return Ok(Placed::Here(big(grant.attempts))) };
    let sql = "UPDATE offers SET withdrawn_at = coalesce(withdrawn_at, $3), step_id = $4 \
               WHERE issuer_id = $1 AND offer_id = $2 AND issued_count = 0 \
               AND coalesce(token_expires_at, 0) <= $3 AND coalesce(deferred_until, 0) <= $3 \
               RETURNING attempts";
    let now = big(grant.created_at.0);
    let values: [&(dyn ToSql + Sync); 4] = [&context.issuer_id, &seen, &now, &context.step_id];
    let replaced = transaction.query_opt(sql, &values).await?;
    Ok(match replaced {
        Some(row) => Placed::Here(value(&row, 0)?),
        None => Placed::Nowhere,
    })
}

/// What an `Idempotency-Key` has made before; without one the offer itself is there.
async fn remembered(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    open: &Open,
) -> Result<Opened, Fault> {
    let key = open.offer.idempotency.as_ref().map(|key| vec![key.key_digest.0.as_slice()]);
    let row = transaction.query_opt(REMEMBERED, &[&context.issuer_id, &key]).await?;
    let Some(row) = row else { return Ok(Opened::Replaced) };
    let request_digest = oid4vci::secret::SecretDigest(digest(value(&row, 2)?)?);
    Ok(Opened::Repeated(offer_id(&row, 1)?, request_digest))
}

async fn is_step_of_offer(
    connection: &Connection,
    context: Context<'_>,
    id: Uuid,
) -> Result<bool, Fault> {
    // A write, for the reason given at `STEPS_DONE`.
    let sql = "UPDATE offers SET step_id = step_id WHERE issuer_id = $1 AND offer_id = $2 \
               AND step_id = $3 RETURNING 1";
    let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &id, &context.step_id];
    Ok(connection.client.query_opt(sql, &values).await?.is_some())
}

pub(super) async fn withdraw_offer(
    connection: &mut Connection,
    context: Context<'_>,
    (id, now): (OfferId, Timestamp),
) -> Result<bool, Fault> {
    let sql = "UPDATE offers SET withdrawn_at = $3, step_id = $4 WHERE issuer_id = $1 \
               AND offer_id = $2 AND withdrawn_at IS NULL AND issued_count = 0";
    let (id, now) = (uuid(id), big(now.0));
    let values: [&(dyn ToSql + Sync); 4] = [&context.issuer_id, &id, &now, &context.step_id];
    if connection.client.execute(sql, &values).await? == 1 {
        return Ok(true);
    }
    Ok(context.again && is_step_of_offer(connection, context, id).await?)
}

pub(super) async fn offers(
    connection: &mut Connection,
    context: Context<'_>,
    page: &OfferPage,
) -> Result<Vec<Grant>, Fault> {
    let condition = page.state.map_or(":now >= 0 AND :attempts_max >= 0", state_condition);
    let condition = condition.replace(":attempts_max", "$4::BIGINT").replace(":now", "$3::BIGINT");
    let sql = format!(
        "SELECT {OFFER_COLUMNS}, {ISSUANCES_COLUMN} FROM offers WHERE issuer_id = $1 \
         AND offer_id < $2 AND {condition} ORDER BY offer_id DESC LIMIT $5"
    );
    let after = page.after.map_or(Uuid::max(), uuid);
    let numbers = (big(page.now.0), big(page.attempts_max), big(page.limit));
    let values: [&(dyn ToSql + Sync); 5] =
        [&context.issuer_id, &after, &numbers.0, &numbers.1, &numbers.2];
    let found = connection.client.query(&sql, &values).await?;
    found.iter().map(rows::grant).collect()
}

pub(super) async fn open_application(
    connection: &mut Connection,
    context: Context<'_>,
    application: &Application,
) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO applications (issuer_id, {APPLICATION_COLUMNS}, step_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"
    );
    let claims = serde_json::Value::from(application.claims.clone()).to_string();
    let values: [&(dyn ToSql + Sync); 11] = [
        &context.issuer_id,
        &uuid(application.id.0),
        &application.secret_digest.0.as_slice(),
        &application.credential_configuration_id,
        &claims,
        &application.state.name(),
        &big(application.created_at.0),
        &application.decided_at.map(|at| big(at.0)),
        &big(application.approvals),
        &application.offer_id.map(uuid),
        &context.step_id,
    ];
    connection.client.execute(&sql, &values).await?;
    Ok(())
}

pub(super) async fn application(
    connection: &mut Connection,
    context: Context<'_>,
    id: ApplicationId,
) -> Result<Option<Application>, Fault> {
    let sql = format!(
        "SELECT {APPLICATION_COLUMNS} FROM applications WHERE issuer_id = $1 AND application_id = $2"
    );
    let found = connection.client.query_opt(&sql, &[&context.issuer_id, &uuid(id.0)]).await?;
    found.as_ref().map(rows::application).transpose()
}

pub(super) async fn applications(
    connection: &mut Connection,
    context: Context<'_>,
    page: &ApplicationPage,
) -> Result<Vec<Application>, Fault> {
    let sql = format!(
        "SELECT {APPLICATION_COLUMNS} FROM applications WHERE issuer_id = $1 \
         AND application_id > $2 AND ($3::TEXT IS NULL OR state = $3) \
         ORDER BY application_id LIMIT $4"
    );
    let after = page.after.map_or(Uuid::nil(), |id| uuid(id.0));
    let state = page.state.map(ApplicationState::name);
    let limit = big(page.limit);
    let values: [&(dyn ToSql + Sync); 4] = [&context.issuer_id, &after, &state, &limit];
    let found = connection.client.query(&sql, &values).await?;
    found.iter().map(rows::application).collect()
}

pub(super) async fn decide_application(
    connection: &mut Connection,
    context: Context<'_>,
    seen: &Application,
    (state, now): (ApplicationState, Timestamp),
) -> Result<bool, Fault> {
    let sql = "UPDATE applications SET state = $3, decided_at = $4, approvals = approvals + $5, \
               offer_id = NULL, step_id = $8 WHERE issuer_id = $1 AND application_id = $2 \
               AND state = $6 AND approvals = $7";
    let id = uuid(seen.id.0);
    let values: [&(dyn ToSql + Sync); 8] = [
        &context.issuer_id,
        &id,
        &state.name(),
        &big(now.0),
        &i64::from(state == ApplicationState::Approved),
        &seen.state.name(),
        &big(seen.approvals),
        &context.step_id,
    ];
    if connection.client.execute(sql, &values).await? == 1 {
        return Ok(true);
    }
    if !context.again {
        return Ok(false);
    }
    // A write, for the reason given at `STEPS_DONE`.
    let sql = "UPDATE applications SET step_id = step_id WHERE issuer_id = $1 \
               AND application_id = $2 AND step_id = $3 RETURNING 1";
    let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &id, &context.step_id];
    Ok(connection.client.query_opt(sql, &values).await?.is_some())
}

/// Writes as a step does, and leaves nothing behind.
pub(super) async fn check(connection: &mut Connection, context: Context<'_>) -> Result<(), Fault> {
    const WRITE: &str = "INSERT INTO checks (issuer_id, check_id) VALUES ($1, $2)";
    const REMOVE: &str = "DELETE FROM checks WHERE issuer_id = $1 AND check_id = $2";
    let query =
        |sql| Query { sql, values: vec![Box::new(context.issuer_id), Box::new(context.step_id)] };
    connection.commit(&[query(WRITE), query(REMOVE)]).await?;
    Ok(())
}

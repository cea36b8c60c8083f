//! Steps of the Authorization Code Flow that write several rows, all or none.

use keys::outside::Timestamp;
use oid4vci::authorization::{GrantedCode, RunningAuthorization};
use oid4vci::grant::{Grant, Redemption};
use oid4vci::legacy::Dialect;
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::SecretDigest;
use serde_json::{Map, Value};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connection::Connection;
use super::fault::Fault;
use super::rows::{big, list, uuid};
use super::single::Context;
use crate::store::authorization::{Allowed, AllowedOffer, Redeeming, Renewed, Renewing};
use crate::store::columns::{needed_account, request_text, stage_parts};

/// Ends what is under way.
pub(super) const END: &str = "DELETE FROM running_authorizations
WHERE issuer_id = $1 AND offer_id = $2 AND handle_digest = $3";

/// The values of [`END`].
pub(super) struct Seen<'s>(&'s str, Uuid, &'s [u8]);

impl Seen<'_> {
    pub(super) fn all(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.0, &self.1, &self.2]
    }
}

pub(super) fn seen<'s>(context: Context<'s>, running: &'s RunningAuthorization) -> Seen<'s> {
    Seen(context.issuer_id, uuid(running.id), &running.handle_digest.0)
}

/// Spends what may come once only; `false` when some of it was spent before.
async fn spend(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    marks: &[SpendableNonce],
) -> Result<bool, Fault> {
    let sql = "INSERT INTO spent_nonces (issuer_id, nonce) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    for mark in marks {
        let values: [&(dyn ToSql + Sync); 2] = [&context.issuer_id, &mark.front.as_slice()];
        if transaction.execute(sql, &values).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) async fn begin(
    connection: &mut Connection,
    context: Context<'_>,
    running: &RunningAuthorization,
    marks: &[SpendableNonce],
) -> Result<bool, Fault> {
    let transaction = connection.client.transaction().await?;
    if !spend(&transaction, context, marks).await? {
        transaction.rollback().await?;
        return Ok(context.again && is_begun(connection, context, running).await?);
    }
    let sql = "INSERT INTO running_authorizations (issuer_id, offer_id, handle_digest, stage, \
               account, request, expires_at, provided) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT DO NOTHING";
    let (stage, account, provided) = stage_parts(&running.stage);
    let values: [&(dyn ToSql + Sync); 8] = [
        &context.issuer_id,
        &uuid(running.id),
        &running.handle_digest.0.as_slice(),
        &stage,
        &account,
        &request_text(&running.request),
        &big(running.expires_at.0),
        &provided,
    ];
    transaction.execute(sql, &values).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn is_begun(
    connection: &Connection,
    context: Context<'_>,
    running: &RunningAuthorization,
) -> Result<bool, Fault> {
    // A write, for the reason given at `STEPS_DONE`.
    let sql = "UPDATE running_authorizations SET stage = stage \
               WHERE issuer_id = $1 AND offer_id = $2 AND handle_digest = $3";
    Ok(connection.client.execute(sql, &seen(context, running).all()).await? == 1)
}

pub(super) async fn allow(
    connection: &mut Connection,
    context: Context<'_>,
    (running, allowed): (&RunningAuthorization, &Allowed),
    now: Timestamp,
) -> Result<bool, Fault> {
    let id = allowed.offer.id();
    let transaction = connection.client.transaction().await?;
    let done = hold_account(&transaction, context, needed_account(&running.stage)).await?
        && transaction.execute(END, &seen(context, running).all()).await? == 1
        && take(&transaction, context, &allowed.offer, now).await?
        && set_code(&transaction, context, id, &allowed.code).await?;
    if done {
        transaction.commit().await?;
        return Ok(true);
    }
    transaction.rollback().await?;
    if !context.again {
        return Ok(false);
    }
    // A write, for the reason given at `STEPS_DONE`.
    let sql = "UPDATE authorizations SET code_digest = code_digest \
               WHERE issuer_id = $1 AND offer_id = $2 AND code_digest = $3";
    let digest = allowed.code.digest.0.as_slice();
    let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &uuid(id), &digest];
    Ok(connection.client.execute(sql, &values).await? == 1)
}

/// Whether the account is there, which then stays until the end of the transaction; nobody needs
/// one that is not named.
pub(super) async fn hold_account(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    name: Option<&str>,
) -> Result<bool, Fault> {
    let Some(name) = name else { return Ok(true) };
    let sql = "SELECT 1 FROM accounts WHERE issuer_id = $1 AND name = $2 FOR KEY SHARE";
    Ok(transaction.query_opt(sql, &[&context.issuer_id, &name]).await?.is_some())
}

/// Makes the offer, or makes sure that it is open.
async fn take(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    offer: &AllowedOffer,
    now: Timestamp,
) -> Result<bool, Fault> {
    match offer {
        AllowedOffer::Fresh(grant, datasets) => {
            insert_offer(transaction, context, grant, datasets).await?;
            open(transaction, context, grant.id, (None, None)).await?;
            Ok(true)
        }
        AllowedOffer::Made(id) => {
            let sql = "SELECT 1 FROM offers WHERE issuer_id = $1 AND offer_id = $2 \
                       AND redeemed_at IS NULL AND withdrawn_at IS NULL AND expires_at > $3";
            let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &uuid(*id), &big(now.0)];
            Ok(transaction.query_opt(sql, &values).await?.is_some())
        }
    }
}

async fn insert_offer(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    grant: &Grant,
    datasets: &Map<String, Value>,
) -> Result<(), Fault> {
    let sql = "INSERT INTO offers (issuer_id, offer_id, created_at, expires_at, \
               credential_configuration_ids, reference_digest, code_digest, attempts, \
               issued_count, step_id, draft) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9)";
    let id = uuid(grant.id);
    let values: [&(dyn ToSql + Sync); 9] = [
        &context.issuer_id,
        &id,
        &big(grant.created_at.0),
        &big(grant.expires_at.0),
        &list(&grant.credential_configuration_ids),
        &grant.reference_digest.0.as_slice(),
        &grant.code_digest.0.as_slice(),
        &context.step_id,
        &grant.dialect.map(Dialect::name),
    ];
    transaction.execute(sql, &values).await?;
    insert_datasets(transaction, context, (grant.id, datasets)).await
}

/// What the credentials of an offer that was just made will say.
pub(super) async fn insert_datasets(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    (id, datasets): (OfferId, &Map<String, Value>),
) -> Result<(), Fault> {
    let sql = "INSERT INTO datasets (issuer_id, offer_id, datasets) VALUES ($1, $2, $3)";
    let datasets = Value::from(datasets.clone()).to_string();
    transaction.execute(sql, &[&context.issuer_id, &uuid(id), &datasets]).await?;
    Ok(())
}

/// Puts an authorization beside an offer that was just made.
pub(super) async fn open(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    id: OfferId,
    (issuer_state, account): (Option<&SecretDigest>, Option<&str>),
) -> Result<(), Fault> {
    let sql = "INSERT INTO authorizations (issuer_id, offer_id, issuer_state_digest, code_spent, \
               for_account) VALUES ($1, $2, $3, FALSE, $4)";
    let digest = issuer_state.map(|digest| digest.0.as_slice());
    let values: [&(dyn ToSql + Sync); 4] = [&context.issuer_id, &uuid(id), &digest, &account];
    transaction.execute(sql, &values).await?;
    let sql = "UPDATE offers SET signs_in = TRUE WHERE issuer_id = $1 AND offer_id = $2";
    transaction.execute(sql, &[&context.issuer_id, &uuid(id)]).await?;
    Ok(())
}

async fn set_code(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    id: OfferId,
    code: &GrantedCode,
) -> Result<bool, Fault> {
    let sql = "UPDATE authorizations SET code_digest = $3, code_expires_at = $4, account = $5, \
               request = $6 WHERE issuer_id = $1 AND offer_id = $2 AND NOT code_spent";
    let values: [&(dyn ToSql + Sync); 6] = [
        &context.issuer_id,
        &uuid(id),
        &code.digest.0.as_slice(),
        &big(code.expires_at.0),
        &code.account,
        &request_text(&code.request),
    ];
    Ok(transaction.execute(sql, &values).await? == 1)
}

pub(super) async fn redeem(
    connection: &mut Connection,
    context: Context<'_>,
    redeeming: &Redeeming<'_>,
    marks: &[SpendableNonce],
) -> Result<Renewed, Fault> {
    let transaction = connection.client.transaction().await?;
    let is_new = spend(&transaction, context, marks).await?;
    if is_new && spend_code(&transaction, context, redeeming).await? {
        if let Some(refresh) = redeeming.refresh {
            set_refresh(&transaction, context, redeeming.id, refresh).await?;
        }
        transaction.commit().await?;
        return Ok(Renewed::Done);
    }
    transaction.rollback().await?;
    outcome(connection, context, (redeeming.id, redeeming.redemption), is_new).await
}

async fn spend_code(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    redeeming: &Redeeming<'_>,
) -> Result<bool, Fault> {
    let sql = "UPDATE authorizations SET code_spent = TRUE WHERE issuer_id = $1 \
               AND offer_id = $2 AND code_digest = $3 AND NOT code_spent";
    let (id, code) = (uuid(redeeming.id), redeeming.code_digest.0.as_slice());
    if transaction.execute(sql, &[&context.issuer_id, &id, &code]).await? == 0 {
        return Ok(false);
    }
    let sql = "UPDATE offers SET redeemed_at = $3, token_digest = $4, token_expires_at = $5, \
               token_configuration_ids = $6, token_by_identifier = $7, client_id = $8, \
               step_id = $9, token_bound_to = $10, client_key = $11 WHERE issuer_id = $1 AND offer_id = $2 AND redeemed_at IS NULL \
               AND withdrawn_at IS NULL AND expires_at > $3";
    let redemption = redeeming.redemption;
    let values: [&(dyn ToSql + Sync); 11] = [
        &context.issuer_id,
        &id,
        &big(redemption.at.0),
        &redemption.token_digest.0.as_slice(),
        &big(redemption.token_expires_at.0),
        &list(&redemption.credential_configuration_ids),
        &redemption.by_identifier,
        &redemption.client_id.as_ref().map(String::as_bytes),
        &context.step_id,
        &redemption.bound_to.as_ref().map(ToString::to_string),
        &redemption.client_key.as_ref().map(ToString::to_string),
    ];
    Ok(transaction.execute(sql, &values).await? == 1)
}

pub(super) async fn renew(
    connection: &mut Connection,
    context: Context<'_>,
    renewing: &Renewing<'_>,
    marks: &[SpendableNonce],
) -> Result<Renewed, Fault> {
    let transaction = connection.client.transaction().await?;
    let is_new = spend(&transaction, context, marks).await?;
    if is_new && replace(&transaction, context, renewing).await? {
        transaction.commit().await?;
        return Ok(Renewed::Done);
    }
    transaction.rollback().await?;
    outcome(connection, context, (renewing.id, renewing.redemption), is_new).await
}

/// The first of the two rows decides a race: whoever comes second waits for it and finds another
/// refresh token there.
async fn replace(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    renewing: &Renewing<'_>,
) -> Result<bool, Fault> {
    let sql = "UPDATE authorizations SET refresh_digest = refresh_digest WHERE issuer_id = $1 \
               AND offer_id = $2 AND refresh_digest = $3 AND refresh_expires_at > $4";
    let (id, seen) = (uuid(renewing.id), renewing.seen_refresh.0.as_slice());
    let now = big(renewing.now.0);
    if transaction.execute(sql, &[&context.issuer_id, &id, &seen, &now]).await? == 0 {
        return Ok(false);
    }
    set_refresh(transaction, context, renewing.id, renewing.refresh).await?;
    let sql = "UPDATE offers SET token_digest = $4, token_expires_at = $5, \
               token_configuration_ids = $6, token_by_identifier = $7, step_id = $8, \
               token_bound_to = $9, client_key = $10 WHERE issuer_id = $1 AND offer_id = $2 \
               AND token_digest = $3 AND withdrawn_at IS NULL";
    let redemption = renewing.redemption;
    let values: [&(dyn ToSql + Sync); 10] = [
        &context.issuer_id,
        &id,
        &renewing.seen_token.0.as_slice(),
        &redemption.token_digest.0.as_slice(),
        &big(redemption.token_expires_at.0),
        &list(&redemption.credential_configuration_ids),
        &redemption.by_identifier,
        &context.step_id,
        &redemption.bound_to.as_ref().map(ToString::to_string),
        &redemption.client_key.as_ref().map(ToString::to_string),
    ];
    Ok(transaction.execute(sql, &values).await? == 1)
}

async fn set_refresh(
    transaction: &Transaction<'_>,
    context: Context<'_>,
    id: OfferId,
    chain: &RefreshChain,
) -> Result<(), Fault> {
    let sql = "UPDATE authorizations SET refresh_digest = $3, refresh_replaced_digest = $4, \
               refresh_replaced_at = $5, refresh_expires_at = $6, refresh_sender = $7 \
               WHERE issuer_id = $1 AND offer_id = $2";
    let replaced = chain.replaced.as_ref().map(|digest| digest.0.as_slice());
    let values: [&(dyn ToSql + Sync); 7] = [
        &context.issuer_id,
        &uuid(id),
        &chain.digest.0.as_slice(),
        &replaced,
        &big(chain.replaced_at.0),
        &big(chain.expires_at.0),
        &chain.sender.as_ref().map(ToString::to_string),
    ];
    transaction.execute(sql, &values).await?;
    Ok(())
}

/// A step that ran before may have been committed: then the Access Token that it drew is there.
async fn outcome(
    connection: &Connection,
    context: Context<'_>,
    (id, redemption): (OfferId, &Redemption),
    is_new: bool,
) -> Result<Renewed, Fault> {
    if context.again {
        // A write, for the reason given at `STEPS_DONE`.
        let sql = "UPDATE offers SET step_id = step_id \
                   WHERE issuer_id = $1 AND offer_id = $2 AND token_digest = $3";
        let digest = redemption.token_digest.0.as_slice();
        let values: [&(dyn ToSql + Sync); 3] = [&context.issuer_id, &uuid(id), &digest];
        if connection.client.execute(sql, &values).await? == 1 {
            return Ok(Renewed::Done);
        }
    }
    Ok(if is_new { Renewed::Changed } else { Renewed::Replayed })
}

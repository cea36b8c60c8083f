//! Removes what nobody needs any more. Ids grow with time, so what is old stands together: bounded
//! by an id, a statement meets what may go and little else (only offers that live for long).

use oid4vci::offer::OfferId;
use tokio_postgres::types::ToSql;

use super::connection::Connection;
use super::fault::Fault;
use super::rows::{big, uuid};
use super::single::Context;
use crate::store::PurgeBefore;

/// A nonce begins with its expiry.
const NONCES: &str = "DELETE FROM spent_nonces WHERE issuer_id = $1 AND nonce IN (SELECT nonce \
    FROM spent_nonces WHERE issuer_id = $1 AND nonce < $2 ORDER BY nonce LIMIT $3)";
const IDEMPOTENCY_KEYS: &str = "DELETE FROM idempotency_keys WHERE issuer_id = $1 AND key_digest \
    IN (SELECT key_digest FROM idempotency_keys WHERE issuer_id = $1 AND expires_at <= $2 \
    ORDER BY expires_at LIMIT $3)";
const DATASETS: &str = "DELETE FROM datasets WHERE issuer_id = $1 AND offer_id IN (SELECT \
    datasets.offer_id FROM datasets JOIN offers USING (issuer_id, offer_id) \
    WHERE datasets.issuer_id = $1 AND datasets.offer_id < $2 AND offers.expires_at <= $3 \
    AND coalesce(token_expires_at, 0) <= $3 AND coalesce(deferred_until, 0) <= $3 \
    AND NOT EXISTS (SELECT 1 FROM authorizations AS kept \
    WHERE kept.issuer_id = $1 AND kept.offer_id = datasets.offer_id \
    AND kept.refresh_expires_at > $3) ORDER BY datasets.offer_id LIMIT $4)";
const DEFERRALS: &str = "DELETE FROM deferrals WHERE issuer_id = $1 AND deferral_id IN \
    (SELECT deferral_id FROM deferrals WHERE issuer_id = $1 AND deferral_id < $2 \
    AND (expires_at <= $3 OR (state IN ('rejected', 'delivered') AND decided_at <= $3)) \
    ORDER BY deferral_id LIMIT $4)";
const APPLICATIONS: &str = "DELETE FROM applications WHERE issuer_id = $1 AND application_id IN \
    (SELECT application_id FROM applications WHERE issuer_id = $1 AND application_id < $2 \
    AND coalesce(decided_at, created_at) <= $3 ORDER BY application_id LIMIT $4)";
const OFFERS: &str = "DELETE FROM offers WHERE issuer_id = $1 AND offer_id IN (SELECT offer_id \
    FROM offers WHERE issuer_id = $1 AND offer_id < $2 AND expires_at <= $3 \
    AND coalesce(token_expires_at, 0) <= $3 AND coalesce(deferred_until, 0) <= $3 \
    AND NOT EXISTS (SELECT 1 FROM authorizations AS kept \
    WHERE kept.issuer_id = $1 AND kept.offer_id = offers.offer_id \
    AND kept.refresh_expires_at > $3) ORDER BY offer_id LIMIT $4)";
/// After their offers, which say whether they may go; the time only bounds what is looked at.
const AUTHORIZATIONS: &str = "DELETE FROM authorizations WHERE issuer_id = $1 AND offer_id IN \
    (SELECT offer_id FROM authorizations AS old WHERE issuer_id = $1 AND offer_id < $2 AND $3::BIGINT >= 0 \
    AND NOT EXISTS (SELECT 1 FROM offers WHERE offers.issuer_id = $1 \
    AND offers.offer_id = old.offer_id) ORDER BY offer_id LIMIT $4)";
const RUNNING: &str = "DELETE FROM running_authorizations WHERE issuer_id = $1 AND offer_id IN \
    (SELECT offer_id FROM running_authorizations WHERE issuer_id = $1 AND expires_at <= $2 \
    ORDER BY expires_at LIMIT $3)";
const HELD: &str = "DELETE FROM held_offers WHERE issuer_id = $1 AND offer_id IN \
    (SELECT offer_id FROM held_offers WHERE issuer_id = $1 AND expires_at <= $2 \
    ORDER BY expires_at LIMIT $3)";
const ISSUANCES: &str = "DELETE FROM issuances WHERE issuer_id = $1 AND (offer_id, place) IN \
    (SELECT offer_id, place FROM issuances WHERE issuer_id = $1 AND offer_id < $2 \
    AND issued_at <= $3 ORDER BY offer_id LIMIT $4)";

/// Each statement is a transaction of its own: what one removed, another need not wait for.
pub(super) async fn purge(
    connection: &mut Connection,
    context: Context<'_>,
    before: &PurgeBefore,
    limit: u32,
) -> Result<u64, Fault> {
    let (issuer_id, limit, now) = (context.issuer_id, big(limit), big(before.now.0));
    let now_bytes = before.now.0.to_be_bytes();
    let first_nonce_to_stay = now_bytes.as_slice();
    let client = &connection.client;
    let mut removed = client.execute(NONCES, &[&issuer_id, &first_nonce_to_stay, &limit]).await?;
    removed += client.execute(IDEMPOTENCY_KEYS, &[&issuer_id, &now, &limit]).await?;
    removed += client.execute(RUNNING, &[&issuer_id, &now, &limit]).await?;
    removed += client.execute(HELD, &[&issuer_id, &now, &limit]).await?;
    let kinds = [
        (DATASETS, before.claims), // before their offers, which say whether they may go
        (DEFERRALS, before.claims), // it may hold claims, too
        (APPLICATIONS, before.applications),
        (OFFERS, before.offers),
        (AUTHORIZATIONS, before.offers),
        (ISSUANCES, before.issuances),
    ];
    for (sql, time) in kinds {
        let (first_to_stay, time) = (uuid(OfferId::before(time)), big(time.0));
        let values: [&(dyn ToSql + Sync); 4] = [&issuer_id, &first_to_stay, &time, &limit];
        removed += client.execute(sql, &values).await?;
    }
    Ok(removed)
}

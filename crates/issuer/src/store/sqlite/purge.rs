//! Removes what nobody needs any more. Ids grow with time, so what is old stands together: bounded
//! by an id, a statement meets what may go and little else (only offers that live for long).

use oid4vci::offer::OfferId;
use rusqlite::Connection;

use super::writer::Step;
use crate::store::PurgeBefore;

/// A nonce begins with its expiry.
const NONCES: &str = "DELETE FROM spent_nonces WHERE issuer_id = ?1 AND nonce IN (SELECT nonce \
    FROM spent_nonces WHERE issuer_id = ?1 AND nonce < ?2 ORDER BY nonce LIMIT ?3)";
const IDEMPOTENCY_KEYS: &str = "DELETE FROM idempotency_keys WHERE issuer_id = ?1 AND key_digest \
    IN (SELECT key_digest FROM idempotency_keys WHERE issuer_id = ?1 AND expires_at <= ?2 \
    ORDER BY expires_at LIMIT ?3)";
const DATASETS: &str = "DELETE FROM datasets WHERE issuer_id = ?1 AND offer_id IN (SELECT \
    datasets.offer_id FROM datasets JOIN offers USING (issuer_id, offer_id) \
    WHERE datasets.issuer_id = ?1 AND datasets.offer_id < ?2 AND offers.expires_at <= ?3 \
    AND coalesce(token_expires_at, 0) <= ?3 AND coalesce(deferred_until, 0) <= ?3 \
    AND NOT EXISTS (SELECT 1 FROM authorizations AS kept \
    WHERE kept.issuer_id = ?1 AND kept.offer_id = datasets.offer_id \
    AND kept.refresh_expires_at > ?3) ORDER BY datasets.offer_id LIMIT ?4)";
const DEFERRALS: &str = "DELETE FROM deferrals WHERE issuer_id = ?1 AND deferral_id IN \
    (SELECT deferral_id FROM deferrals WHERE issuer_id = ?1 AND deferral_id < ?2 \
    AND (expires_at <= ?3 OR (state IN ('rejected', 'delivered') AND decided_at <= ?3)) \
    ORDER BY deferral_id LIMIT ?4)";
const APPLICATIONS: &str = "DELETE FROM applications WHERE issuer_id = ?1 AND application_id IN \
    (SELECT application_id FROM applications WHERE issuer_id = ?1 AND application_id < ?2 \
    AND coalesce(decided_at, created_at) <= ?3 ORDER BY application_id LIMIT ?4)";
const OFFERS: &str = "DELETE FROM offers WHERE issuer_id = ?1 AND offer_id IN (SELECT offer_id \
    FROM offers WHERE issuer_id = ?1 AND offer_id < ?2 AND expires_at <= ?3 \
    AND coalesce(token_expires_at, 0) <= ?3 AND coalesce(deferred_until, 0) <= ?3 \
    AND NOT EXISTS (SELECT 1 FROM authorizations AS kept \
    WHERE kept.issuer_id = ?1 AND kept.offer_id = offers.offer_id \
    AND kept.refresh_expires_at > ?3) ORDER BY offer_id LIMIT ?4)";
/// After their offers, which say whether they may go; the time only bounds what is looked at.
const AUTHORIZATIONS: &str = "DELETE FROM authorizations WHERE issuer_id = ?1 AND offer_id IN \
    (SELECT offer_id FROM authorizations AS old WHERE issuer_id = ?1 AND offer_id < ?2 AND ?3 >= 0 \
    AND NOT EXISTS (SELECT 1 FROM offers WHERE offers.issuer_id = ?1 \
    AND offers.offer_id = old.offer_id) ORDER BY offer_id LIMIT ?4)";
const RUNNING: &str = "DELETE FROM running_authorizations WHERE issuer_id = ?1 AND offer_id IN \
    (SELECT offer_id FROM running_authorizations WHERE issuer_id = ?1 AND expires_at <= ?2 \
    ORDER BY expires_at LIMIT ?3)";
const HELD: &str = "DELETE FROM held_offers WHERE issuer_id = ?1 AND offer_id IN \
    (SELECT offer_id FROM held_offers WHERE issuer_id = ?1 AND expires_at <= ?2 \
    ORDER BY expires_at LIMIT ?3)";
const ISSUANCES: &str = "DELETE FROM issuances WHERE issuer_id = ?1 AND (offer_id, place) IN \
    (SELECT offer_id, place FROM issuances WHERE issuer_id = ?1 AND offer_id < ?2 \
    AND issued_at <= ?3 ORDER BY offer_id LIMIT ?4)";

pub(super) fn purge(
    connection: &Connection,
    issuer_id: &str,
    before: &PurgeBefore,
    limit: u32,
) -> rusqlite::Result<Step<u64>> {
    let now = before.now.0;
    let mut removed = connection.execute(NONCES, (issuer_id, now.to_be_bytes(), limit))?;
    removed += connection.execute(IDEMPOTENCY_KEYS, (issuer_id, now, limit))?;
    removed += connection.execute(RUNNING, (issuer_id, now, limit))?;
    removed += connection.execute(HELD, (issuer_id, now, limit))?;
    let kinds = [
        (DATASETS, before.claims), // before their offers, which say whether they may go
        (DEFERRALS, before.claims), // it may hold claims, too
        (APPLICATIONS, before.applications),
        (OFFERS, before.offers),
        (AUTHORIZATIONS, before.offers),
        (ISSUANCES, before.issuances),
    ];
    for (sql, time) in kinds {
        let first_to_stay = OfferId::before(time).0;
        removed += connection.execute(sql, (issuer_id, first_to_stay, time.0, limit))?;
    }
    Ok(Step::Keep(u64::try_from(removed).unwrap_or(u64::MAX)))
}

//! Every statement that a batch runs: one for all steps of a kind, whatever their number.
//!
//! Columns come as arrays, a row for each step. The words are few on purpose (no sequence, no lock
//! that outlives a commit, no clock of the server), so that engines which only speak PostgreSQL's
//! language can take its place; `testkit/tests/postgres.rs` holds them to that.

/// Records offers, each with its claims and its `Idempotency-Key`; gives back those recorded.
///
/// A key that was used before keeps its offer out, in the same statement.
pub(super) const OPEN_OFFERS: &str = "
WITH given AS (
    SELECT * FROM unnest($2::UUID[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::BYTEA[],
        $7::BYTEA[], $8::BYTEA[], $9::BIGINT[], $10::TEXT[], $11::UUID[], $12::BYTEA[],
        $13::BYTEA[], $14::BIGINT[], $15::TEXT[])
    AS given (offer_id, created_at, expires_at, credential_configuration_ids, reference_digest,
        code_digest, tx_code_digest, attempts, datasets, step_id, key_digest,
        request_digest, key_expires_at, draft)
), remembered AS (
    INSERT INTO idempotency_keys (issuer_id, key_digest, request_digest, offer_id, expires_at)
    SELECT $1, key_digest, request_digest, offer_id, key_expires_at FROM given
    WHERE key_digest IS NOT NULL ON CONFLICT DO NOTHING RETURNING offer_id
), fresh AS (
    SELECT * FROM given
    WHERE key_digest IS NULL OR (offer_id IN (SELECT offer_id FROM remembered)) IS TRUE
), kept AS (
    INSERT INTO datasets (issuer_id, offer_id, datasets)
    SELECT $1, offer_id, datasets FROM fresh ON CONFLICT DO NOTHING
)
INSERT INTO offers (issuer_id, offer_id, created_at, expires_at, credential_configuration_ids,
    reference_digest, code_digest, tx_code_digest, attempts, issued_count, step_id, draft)
SELECT $1, offer_id, created_at, expires_at, credential_configuration_ids, reference_digest,
    code_digest, tx_code_digest, attempts, 0, step_id, draft FROM fresh
ON CONFLICT DO NOTHING RETURNING offer_id";

/// Which offers the `Idempotency-Key`s made. A write, for the reason given at [`STEPS_DONE`].
pub(super) const REMEMBERED: &str = "
UPDATE idempotency_keys SET expires_at = expires_at
WHERE issuer_id = $1 AND key_digest = ANY($2::BYTEA[])
RETURNING key_digest, offer_id, request_digest";

/// Notes the first time that offers were fetched.
pub(super) const NOTE_FETCHED: &str = "
UPDATE offers SET fetched_at = given.now
FROM unnest($2::UUID[], $3::BIGINT[]) AS given (offer_id, now)
WHERE offers.issuer_id = $1 AND offers.offer_id = given.offer_id
    AND offers.fetched_at IS NULL";

/// Spends codes and records their tokens, of the offers that are still as they were seen.
pub(super) const REDEEM: &str = "
UPDATE offers SET redeemed_at = given.now, token_digest = given.token_digest,
    token_expires_at = given.token_expires_at, token_configuration_ids = given.ids,
    token_by_identifier = given.by_identifier, client_id = given.client_id,
    step_id = given.step_id
FROM unnest($2::UUID[], $3::BIGINT[], $4::BIGINT[], $5::BYTEA[], $6::BIGINT[], $7::TEXT[],
    $8::BOOLEAN[], $9::BYTEA[], $10::UUID[])
AS given (offer_id, attempts, now, token_digest, token_expires_at, ids, by_identifier,
    client_id, step_id)
WHERE offers.issuer_id = $1 AND offers.offer_id = given.offer_id
    AND offers.redeemed_at IS NULL AND offers.withdrawn_at IS NULL
    AND offers.expires_at > given.now
    AND offers.attempts = given.attempts
RETURNING offers.offer_id";

/// The same for senders that proved a key, each step wholly or not at all: the proofs are spent as
/// the nonces of [`RECORD_ISSUANCES`] are. With the token that was `seen`, a code that the same
/// sender has redeemed gets another.
pub(super) const REDEEM_PROVED: &str = "
WITH nonces AS (
    SELECT * FROM unnest($14::UUID[], $15::BYTEA[]) AS nonces (offer_id, nonce)
), spent AS (
    SELECT nonces.offer_id, nonces.nonce FROM nonces JOIN spent_nonces
    ON spent_nonces.issuer_id = $1 AND spent_nonces.nonce = nonces.nonce
), changed AS (
    UPDATE offers SET redeemed_at = given.now, token_digest = given.token_digest,
        token_expires_at = given.token_expires_at, token_configuration_ids = given.ids,
        token_by_identifier = given.by_identifier, client_id = given.client_id,
        token_bound_to = given.bound_to, client_key = given.client_key, step_id = given.step_id
    FROM unnest($2::UUID[], $3::BIGINT[], $4::BIGINT[], $5::BYTEA[], $6::BIGINT[], $7::TEXT[],
        $8::BOOLEAN[], $9::BYTEA[], $10::UUID[], $11::TEXT[], $12::TEXT[], $13::BYTEA[])
    AS given (offer_id, attempts, now, token_digest, token_expires_at, ids, by_identifier,
        client_id, step_id, bound_to, client_key, seen)
    WHERE offers.issuer_id = $1 AND offers.offer_id = given.offer_id
        AND offers.withdrawn_at IS NULL AND offers.attempts = given.attempts
        AND offers.issued_count = 0
        AND ((given.seen IS NULL AND offers.redeemed_at IS NULL AND offers.expires_at > given.now)
            OR offers.token_digest = given.seen)
        AND given.offer_id NOT IN (SELECT offer_id FROM spent)
    RETURNING offers.offer_id
), spending AS (
    INSERT INTO spent_nonces (issuer_id, nonce) SELECT $1, nonce FROM nonces
    WHERE (offer_id IN (SELECT offer_id FROM changed)) IS TRUE
)
SELECT offer_id, NULL::BYTEA FROM changed UNION ALL SELECT offer_id, nonce FROM spent";

/// Counts wrong Transaction Codes, of the offers that are still as they were seen.
pub(super) const COUNT_WRONG_TX_CODE: &str = "
UPDATE offers SET attempts = offers.attempts + 1, step_id = given.step_id
FROM unnest($2::UUID[], $3::BIGINT[], $4::UUID[]) AS given (offer_id, attempts, step_id)
WHERE offers.issuer_id = $1 AND offers.offer_id = given.offer_id
    AND offers.redeemed_at IS NULL AND offers.attempts = given.attempts
RETURNING offers.offer_id";

/// Records issuances and spends their nonces, each step wholly or not at all.
///
/// A nonce that is seen to be spent keeps its step out. One that is spent in the same moment
/// elsewhere breaks the key of `spent_nonces`, and with it the whole transaction: it is run again,
/// and then that nonce is seen.
pub(super) const RECORD_ISSUANCES: &str = "
WITH nonces AS (
    SELECT * FROM unnest($8::UUID[], $9::BYTEA[]) AS nonces (offer_id, nonce)
), spent AS (
    SELECT nonces.offer_id, nonces.nonce FROM nonces JOIN spent_nonces
    ON spent_nonces.issuer_id = $1 AND spent_nonces.nonce = nonces.nonce
), changed AS (
    UPDATE offers SET issued_count = given.issued_count, step_id = given.step_id
    FROM unnest($2::UUID[], $3::BIGINT[], $4::BIGINT[], $5::BYTEA[], $6::BIGINT[], $7::UUID[])
    AS given (offer_id, seen, issued_count, token_digest, now, step_id)
    WHERE offers.issuer_id = $1
        AND offers.offer_id = given.offer_id AND offers.issued_count = given.seen
        AND offers.withdrawn_at IS NULL AND offers.token_digest = given.token_digest
        AND offers.token_expires_at > given.now
        AND given.offer_id NOT IN (SELECT offer_id FROM spent)
    RETURNING offers.offer_id
), spending AS (
    INSERT INTO spent_nonces (issuer_id, nonce) SELECT $1, nonce FROM nonces
    WHERE (offer_id IN (SELECT offer_id FROM changed)) IS TRUE
), recording AS (
    INSERT INTO issuances (issuer_id, offer_id, place, credential_configuration_id, thumbprint,
        issued_at, list_id, idx)
    SELECT $1, offer_id, place, credential_configuration_id, thumbprint, issued_at, list_id, idx
    FROM unnest($10::UUID[], $11::BIGINT[], $12::TEXT[], $13::TEXT[], $14::BIGINT[], $15::BIGINT[],
        $16::BIGINT[])
    AS issued (offer_id, place, credential_configuration_id, thumbprint, issued_at, list_id, idx)
    WHERE (offer_id IN (SELECT offer_id FROM changed)) IS TRUE
)
SELECT offer_id, NULL::BYTEA FROM changed UNION ALL SELECT offer_id, nonce FROM spent";

/// Which of these steps are the last that changed their offer.
///
/// A write, so that its commit waits for the standby: a server that crashed and started again shows
/// what it has on its own disk, and a row that no other host has is nothing to acknowledge (X18).
pub(super) const STEPS_DONE: &str = "
UPDATE offers SET step_id = given.step_id
FROM unnest($2::UUID[], $3::UUID[]) AS given (offer_id, step_id)
WHERE offers.issuer_id = $1 AND offers.offer_id = given.offer_id
    AND offers.step_id = given.step_id
RETURNING offers.offer_id";

/// From which of these offers this entry of a status list was given to a credential: other than a
/// step, which the next one hides, that stays. Who is told that nothing was recorded gives the entry
/// to somebody else, so here nothing may be guessed (HAIP-45). A write, as [`STEPS_DONE`] is.
pub(super) const ENTRIES_RECORDED: &str = "
UPDATE issuances SET issued_at = issued_at
FROM unnest($2::UUID[], $3::BIGINT[], $4::BIGINT[]) AS given (offer_id, list_id, idx)
WHERE issuances.issuer_id = $1 AND issuances.offer_id = given.offer_id
    AND issuances.list_id = given.list_id AND issuances.idx = given.idx
RETURNING issuances.offer_id";

/// The claims of offers.
pub(super) const DATASETS: &str = "
SELECT offer_id, datasets FROM datasets WHERE issuer_id = $1 AND offer_id = ANY($2::UUID[])";

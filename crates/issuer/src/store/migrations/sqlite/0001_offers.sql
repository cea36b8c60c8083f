-- Every key begins with the issuer's id and grows with time: a tenant is one range, a day is one range.
CREATE TABLE offers (
    issuer_id TEXT NOT NULL,
    offer_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    credential_configuration_ids TEXT NOT NULL,
    reference_digest BLOB NOT NULL,
    code_digest BLOB NOT NULL,
    tx_code_digest BLOB,
    attempts INTEGER NOT NULL,
    fetched_at INTEGER,
    withdrawn_at INTEGER,
    redeemed_at INTEGER,
    token_digest BLOB,
    token_expires_at INTEGER,
    token_configuration_ids TEXT,
    token_by_identifier INTEGER,
    client_id TEXT,
    issued_count INTEGER NOT NULL,
    PRIMARY KEY (issuer_id, offer_id)
) WITHOUT ROWID;

-- Apart from the offer, so that spending a code does not rewrite a photograph.
CREATE TABLE datasets (
    issuer_id TEXT NOT NULL,
    offer_id BLOB NOT NULL,
    datasets TEXT NOT NULL,
    PRIMARY KEY (issuer_id, offer_id)
);

CREATE TABLE issuances (
    issuer_id TEXT NOT NULL,
    offer_id BLOB NOT NULL,
    place INTEGER NOT NULL,
    credential_configuration_id TEXT NOT NULL,
    thumbprint TEXT,
    issued_at INTEGER NOT NULL,
    PRIMARY KEY (issuer_id, offer_id, place)
) WITHOUT ROWID;

-- A nonce begins with its expiry, so old ones are one range.
CREATE TABLE spent_nonces (
    issuer_id TEXT NOT NULL,
    nonce BLOB NOT NULL,
    PRIMARY KEY (issuer_id, nonce)
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    issuer_id TEXT NOT NULL,
    key_digest BLOB NOT NULL,
    request_digest BLOB NOT NULL,
    offer_id BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer_id, key_digest)
) WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (issuer_id, expires_at);

CREATE TABLE applications (
    issuer_id TEXT NOT NULL,
    application_id BLOB NOT NULL,
    secret_digest BLOB NOT NULL,
    credential_configuration_id TEXT NOT NULL,
    claims TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    approvals INTEGER NOT NULL,
    offer_id BLOB,
    PRIMARY KEY (issuer_id, application_id)
);

-- Written to by whoever asks whether this database takes writes.
CREATE TABLE checks (
    issuer_id TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID;

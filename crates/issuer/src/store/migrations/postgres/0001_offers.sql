-- Every key begins with the issuer's id and grows with time: a tenant is one range, a day is one range.
-- Ids and times come from the program, so any engine that speaks PostgreSQL's language can hold them.

-- An offer is changed a few times soon after it was made: room in its page keeps that cheap.
CREATE TABLE offers (
    issuer_id TEXT NOT NULL,
    offer_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    credential_configuration_ids TEXT NOT NULL,
    reference_digest BYTEA NOT NULL,
    code_digest BYTEA NOT NULL,
    tx_code_digest BYTEA,
    attempts BIGINT NOT NULL,
    fetched_at BIGINT,
    withdrawn_at BIGINT,
    redeemed_at BIGINT,
    token_digest BYTEA,
    token_expires_at BIGINT,
    token_configuration_ids TEXT,
    token_by_identifier BOOLEAN,
    client_id BYTEA,
    issued_count BIGINT NOT NULL,
    -- The step that changed it last, by which an unknown outcome is read back.
    step_id UUID NOT NULL,
    PRIMARY KEY (issuer_id, offer_id)
) WITH (fillfactor = 50);

-- Apart from the offer, so that spending a code does not rewrite a photograph.
CREATE TABLE datasets (
    issuer_id TEXT NOT NULL,
    offer_id UUID NOT NULL,
    datasets TEXT NOT NULL,
    PRIMARY KEY (issuer_id, offer_id)
);

CREATE TABLE issuances (
    issuer_id TEXT NOT NULL,
    offer_id UUID NOT NULL,
    place BIGINT NOT NULL,
    credential_configuration_id TEXT NOT NULL,
    thumbprint TEXT,
    issued_at BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, offer_id, place)
);

-- A nonce begins with its expiry, so old ones are one range.
CREATE TABLE spent_nonces (
    issuer_id TEXT NOT NULL,
    nonce BYTEA NOT NULL,
    PRIMARY KEY (issuer_id, nonce)
);

CREATE TABLE idempotency_keys (
    issuer_id TEXT NOT NULL,
    key_digest BYTEA NOT NULL,
    request_digest BYTEA NOT NULL,
    offer_id UUID NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, key_digest)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (issuer_id, expires_at);

CREATE TABLE applications (
    issuer_id TEXT NOT NULL,
    application_id UUID NOT NULL,
    secret_digest BYTEA NOT NULL,
    credential_configuration_id TEXT NOT NULL,
    claims TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    approvals BIGINT NOT NULL,
    offer_id UUID,
    step_id UUID NOT NULL,
    PRIMARY KEY (issuer_id, application_id)
);

-- Written to by whoever asks whether this database takes writes; nothing stays in it.
CREATE TABLE checks (
    issuer_id TEXT NOT NULL,
    check_id UUID NOT NULL,
    PRIMARY KEY (issuer_id, check_id)
);

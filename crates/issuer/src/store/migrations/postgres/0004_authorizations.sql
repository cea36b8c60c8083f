-- What a person got, or is about to get, by signing in: the Authorization Code Flow.

-- From the request to the person's answer: minutes. Each stage has another handle.
CREATE TABLE running_authorizations (
    issuer_id TEXT NOT NULL,
    offer_id UUID NOT NULL,
    handle_digest BYTEA NOT NULL,
    stage TEXT NOT NULL,
    account TEXT,
    request TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, offer_id)
);

CREATE INDEX running_authorizations_by_expiry ON running_authorizations (issuer_id, expires_at);

-- Whether an authorization stands beside the offer: so that those of the other flow need no look.
ALTER TABLE offers ADD COLUMN signs_in BOOLEAN NOT NULL DEFAULT FALSE;

-- Beside the offer of the same id, so that offers of the other flow are read and written as before.
CREATE TABLE authorizations (
    issuer_id TEXT NOT NULL,
    offer_id UUID NOT NULL,
    issuer_state_digest BYTEA,
    code_digest BYTEA,
    code_expires_at BIGINT,
    code_spent BOOLEAN NOT NULL,
    account TEXT,
    request TEXT,
    refresh_digest BYTEA,
    refresh_replaced_digest BYTEA,
    refresh_replaced_at BIGINT,
    refresh_expires_at BIGINT,
    refresh_sender TEXT,
    PRIMARY KEY (issuer_id, offer_id)
);

-- Who can sign in; the claims are what credentials will say, by Credential Configuration Identifier.
CREATE TABLE accounts (
    issuer_id TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    datasets TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, name)
);

-- People who sign in elsewhere, offers for one account, and wallets that were registered while we serve.

-- What a provider said of the person, until the answer: for minutes.
ALTER TABLE running_authorizations ADD COLUMN provided TEXT;

-- The only account that can take the offer.
ALTER TABLE authorizations ADD COLUMN for_account TEXT;

-- Beside those that the operator keeps as files.
CREATE TABLE clients (
    issuer_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, client_id)
);

-- Until when something of an offer may be issued that waits for an officer; NULL when nothing waits.
ALTER TABLE offers ADD COLUMN deferred_until INTEGER;

-- What was asked for and is issued later. An id begins with the time of the offer.
CREATE TABLE deferrals (
    issuer_id TEXT NOT NULL,
    deferral_id BLOB NOT NULL,
    offer_id BLOB NOT NULL,
    transaction_digest BLOB NOT NULL,
    credential_configuration_id TEXT NOT NULL,
    proofs TEXT,
    claims TEXT,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    decided_at INTEGER,
    PRIMARY KEY (issuer_id, deferral_id)
);

CREATE INDEX deferrals_by_offer ON deferrals (issuer_id, offer_id);

-- What the wallet last said became of a credential, and when.
ALTER TABLE issuances ADD COLUMN event TEXT;
ALTER TABLE issuances ADD COLUMN notified_at INTEGER;

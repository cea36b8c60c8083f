-- Until when something of an offer may be issued that waits for an officer; NULL when nothing waits.
ALTER TABLE offers ADD COLUMN deferred_until BIGINT;

-- What was asked for and is issued later. An id begins with the time of the offer. `step_id` names
-- the last step that changed it.
CREATE TABLE deferrals (
    issuer_id TEXT NOT NULL,
    deferral_id UUID NOT NULL,
    offer_id UUID NOT NULL,
    transaction_digest BYTEA NOT NULL,
    credential_configuration_id TEXT NOT NULL,
    proofs TEXT,
    claims TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    decided_at BIGINT,
    step_id UUID NOT NULL,
    PRIMARY KEY (issuer_id, deferral_id)
);

CREATE INDEX deferrals_by_offer ON deferrals (issuer_id, offer_id);

-- What the wallet last said became of a credential, and when.
ALTER TABLE issuances ADD COLUMN event TEXT;
ALTER TABLE issuances ADD COLUMN notified_at BIGINT;

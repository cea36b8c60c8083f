-- Which entry of which status list a credential has; NULL for one in no list.
ALTER TABLE issuances ADD COLUMN list_id BIGINT;
ALTER TABLE issuances ADD COLUMN idx BIGINT;

-- A list is named by its number. `leased` entries were handed to nodes, which give out each once.
CREATE TABLE status_lists (
    issuer_id TEXT NOT NULL,
    list_id BIGINT NOT NULL,
    bits BIGINT NOT NULL,
    size BIGINT NOT NULL,
    leased BIGINT NOT NULL,
    shuffle_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    closed BOOLEAN NOT NULL,
    PRIMARY KEY (issuer_id, list_id)
);

-- Entries that are, or once were, something else than valid.
CREATE TABLE statuses (
    issuer_id TEXT NOT NULL,
    list_id BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    status BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, list_id, idx)
);

-- What is new since a moment, for nodes that follow.
CREATE INDEX statuses_changed ON statuses (issuer_id, changed_at, list_id, idx);

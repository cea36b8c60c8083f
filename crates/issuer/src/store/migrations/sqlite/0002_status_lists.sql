-- Which entry of which status list a credential has; NULL for one in no list.
ALTER TABLE issuances ADD COLUMN list_id INTEGER;
ALTER TABLE issuances ADD COLUMN idx INTEGER;

-- A list is named by its number. `leased` entries were handed to nodes, which give out each once.
CREATE TABLE status_lists (
    issuer_id TEXT NOT NULL,
    list_id INTEGER NOT NULL,
    bits INTEGER NOT NULL,
    size INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    shuffle_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    PRIMARY KEY (issuer_id, list_id)
) WITHOUT ROWID;

-- Entries that are, or once were, something else than valid.
CREATE TABLE statuses (
    issuer_id TEXT NOT NULL,
    list_id INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    status INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (issuer_id, list_id, idx)
) WITHOUT ROWID;

-- What is new since a moment, for nodes that follow.
CREATE INDEX statuses_changed ON statuses (issuer_id, changed_at, list_id, idx);

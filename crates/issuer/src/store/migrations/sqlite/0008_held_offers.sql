-- Offers that are out and cannot be taken yet: drafts 12 and 13 have Wallets ask again.
CREATE TABLE held_offers (
    issuer_id TEXT NOT NULL,
    offer_id BLOB NOT NULL,
    -- When somebody last wanted to take it.
    asked_at INTEGER,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer_id, offer_id)
);

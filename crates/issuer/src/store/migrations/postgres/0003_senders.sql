-- The key that the token is bound to; NULL for a Bearer token.
ALTER TABLE offers ADD COLUMN token_bound_to TEXT;
-- The key of the attested wallet that redeemed the code; NULL when nobody vouched for it.
ALTER TABLE offers ADD COLUMN client_key TEXT;

-- The draft of OpenID4VCI that an offer is made in; NULL is 1.0.
ALTER TABLE offers ADD COLUMN draft TEXT;

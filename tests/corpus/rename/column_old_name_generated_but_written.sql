-- label: dangerous
-- hazard: H10
-- why: a generated column cannot be written, and the old code writes it (PostgreSQL docs, Generated Columns)
-- runs: psql
-- observe: breaks INSERT INTO invites (email, code) VALUES ('x@example.com', 'X')
-- observe: works SELECT code FROM invites ORDER BY id
BEGIN;
ALTER TABLE invites RENAME COLUMN code TO token;
ALTER TABLE invites ADD COLUMN code text GENERATED ALWAYS AS (token) STORED;
COMMIT;

-- label: dangerous
-- hazard: H02
-- why: the values are kept under the new name, but programs still ask for the old one (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- observe: breaks SELECT code FROM invites LIMIT 1
BEGIN;
ALTER TABLE invites ADD COLUMN token text;
UPDATE invites SET token = code;
ALTER TABLE invites DROP COLUMN code;
COMMIT;

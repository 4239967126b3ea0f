-- label: safe
-- notes: H103
-- why: there is no such column, so nothing happens (PostgreSQL docs, ALTER TABLE)
-- runs: psql
ALTER TABLE users DROP COLUMN IF EXISTS legacy_id;

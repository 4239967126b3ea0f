-- label: safe
-- notes: H103
-- why: the column is there already, so nothing happens beyond a notice (PostgreSQL docs, ALTER TABLE)
-- runs: psql
ALTER TABLE users ADD COLUMN IF NOT EXISTS nickname text NOT NULL DEFAULT 'x';

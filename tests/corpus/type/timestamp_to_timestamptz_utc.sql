-- label: safe
-- notes: H51
-- why: in a session at UTC both are stored alike, since 12 nothing is rewritten (PostgreSQL docs, ALTER TABLE, Notes; 12 release notes)
-- runs: psql
SET timezone = 'UTC';
ALTER TABLE orders ALTER COLUMN placed_at TYPE timestamptz;

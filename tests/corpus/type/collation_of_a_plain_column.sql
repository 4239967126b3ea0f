-- label: safe
-- notes: H51
-- why: without an index only the catalog knows the order (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
ALTER TABLE users ALTER COLUMN nickname TYPE text COLLATE "C";

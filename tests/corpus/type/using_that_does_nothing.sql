-- label: safe
-- notes: H51
-- why: USING that only names the column with the new type is the same as none (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
ALTER TABLE orders ALTER COLUMN reference TYPE text USING reference::text;

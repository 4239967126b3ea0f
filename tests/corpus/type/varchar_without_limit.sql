-- label: safe
-- notes: H51
-- why: varchar without a length is as good as text (PostgreSQL docs, Character Types)
-- runs: psql
ALTER TABLE users ALTER COLUMN name TYPE varchar;

-- label: safe
-- notes: H51
-- why: numeric without limits takes every value as it is stored (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
ALTER TABLE orders ALTER COLUMN total TYPE numeric;

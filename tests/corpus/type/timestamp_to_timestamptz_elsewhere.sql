-- label: dangerous
-- hazard: H50
-- why: outside UTC every value is shifted, which rewrites the table (PostgreSQL docs, Date/Time Types)
-- runs: psql
-- observe: rewrites public.orders
SET timezone = 'Europe/Berlin';
ALTER TABLE orders ALTER COLUMN placed_at TYPE timestamptz;

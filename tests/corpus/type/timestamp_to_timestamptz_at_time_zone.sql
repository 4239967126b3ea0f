-- label: dangerous
-- hazard: H50
-- why: AT TIME ZONE is an expression that is evaluated for each row (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- observe: rewrites public.orders
ALTER TABLE orders ALTER COLUMN placed_at TYPE timestamptz USING placed_at AT TIME ZONE 'Europe/Berlin';

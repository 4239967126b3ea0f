-- label: dangerous
-- hazard: H21
-- why: clock_timestamp() is volatile although it looks like now() (PostgreSQL docs, Date/Time Functions)
-- runs: psql
-- observe: rewrites public.orders
ALTER TABLE orders ADD COLUMN seen_at timestamptz NOT NULL DEFAULT clock_timestamp();

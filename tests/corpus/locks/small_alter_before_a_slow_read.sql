-- label: dangerous
-- hazard: H81
-- why: forty rows, and yet nobody reads them while the orders are counted (PostgreSQL docs, Explicit Locking)
-- runs: psql
-- observe: keeps locks
-- observe: lock public.invites AccessExclusiveLock
BEGIN;
ALTER TABLE invites ADD COLUMN orders_before bigint;
UPDATE invites SET orders_before = (SELECT count(*) FROM orders);
COMMIT;

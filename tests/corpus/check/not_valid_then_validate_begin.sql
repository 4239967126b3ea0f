-- label: dangerous
-- hazard: H36
-- why: BEGIN joins both steps, the first one's lock is kept over the scan (PostgreSQL docs, Explicit Locking)
-- runs: psql
-- observe: keeps locks
BEGIN;
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;
COMMIT;

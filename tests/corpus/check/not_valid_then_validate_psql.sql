-- label: safe
-- why: each statement is a transaction, the scan lets everybody read and write (PostgreSQL docs, ALTER TABLE, VALIDATE CONSTRAINT)
-- runs: psql
-- observe: scans public.orders
-- observe: lock public.orders ShareUpdateExclusiveLock
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;

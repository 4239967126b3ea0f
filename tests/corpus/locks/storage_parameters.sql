-- label: safe
-- why: SHARE UPDATE EXCLUSIVE for an instant (PostgreSQL docs, ALTER TABLE, SET storage_parameter)
-- runs: psql
-- observe: lock public.orders ShareUpdateExclusiveLock
ALTER TABLE orders SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

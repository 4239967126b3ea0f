-- label: dangerous
-- hazard: H65
-- why: writers wait for every index of the table (PostgreSQL docs, REINDEX)
-- runs: psql
-- observe: lock public.orders ShareLock
-- observe: scans public.orders
REINDEX TABLE orders;

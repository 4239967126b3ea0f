-- label: dangerous
-- hazard: H93
-- why: readers of the materialized view wait until it is written anew (PostgreSQL docs, REFRESH MATERIALIZED VIEW)
-- runs: psql
-- schema: CREATE MATERIALIZED VIEW order_totals AS SELECT id, total FROM orders;
-- observe: rewrites public.order_totals
-- observe: lock public.order_totals AccessExclusiveLock
REFRESH MATERIALIZED VIEW order_totals;

-- label: dangerous
-- hazard: H93
-- why: CONCURRENTLY needs a unique index over all rows (PostgreSQL docs, REFRESH MATERIALIZED VIEW)
-- runs: psql
-- schema: CREATE MATERIALIZED VIEW order_totals AS SELECT id, total FROM orders;
-- observe: fails 55000
REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals;

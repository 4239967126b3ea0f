-- label: safe
-- why: readers see the old rows until the new ones are in (PostgreSQL docs, REFRESH MATERIALIZED VIEW)
-- runs: drizzle
-- schema: CREATE MATERIALIZED VIEW order_totals AS SELECT id, total FROM orders; CREATE UNIQUE INDEX order_totals_id ON order_totals (id);
REFRESH MATERIALIZED VIEW CONCURRENTLY "order_totals";

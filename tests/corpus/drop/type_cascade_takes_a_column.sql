-- label: dangerous
-- hazard: H05
-- why: CASCADE on a type drops the columns of that type (PostgreSQL docs, DROP TYPE)
-- runs: psql
-- observe: loses public.orders.status
-- observe: breaks SELECT status FROM orders LIMIT 1
DROP TYPE order_status CASCADE;

-- label: dangerous
-- hazard: H05
-- why: reports read it, and it is gone (PostgreSQL docs, DROP MATERIALIZED VIEW)
-- runs: psql
-- schema: CREATE MATERIALIZED VIEW order_counts AS SELECT user_id, count(*) AS n FROM orders GROUP BY user_id;
-- observe: breaks SELECT n FROM order_counts LIMIT 1
DROP MATERIALIZED VIEW order_counts;

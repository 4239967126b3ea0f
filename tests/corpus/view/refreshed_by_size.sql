-- label: data
-- hazard: H93
-- why: readers wait as long as the view is computed (PostgreSQL docs, REFRESH MATERIALIZED VIEW)
-- runs: drizzle
-- schema: CREATE TABLE sales (v integer); CREATE MATERIALIZED VIEW sales_seen AS SELECT v FROM sales;
-- data: INSERT INTO sales VALUES (1); REFRESH MATERIALIZED VIEW sales_seen;
-- other data: INSERT INTO sales SELECT generate_series(1, 12000); REFRESH MATERIALIZED VIEW sales_seen;
-- observe other: rewrites public.sales_seen
-- observe other: lock public.sales_seen AccessExclusiveLock
REFRESH MATERIALIZED VIEW "sales_seen";

-- label: safe
-- notes: H94
-- why: no row security is enabled, so forcing it changes nothing yet (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- observe: works SET LOCAL ROLE app_user; SELECT count(*) FROM orders
ALTER TABLE orders FORCE ROW LEVEL SECURITY;

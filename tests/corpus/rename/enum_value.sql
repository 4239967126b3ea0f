-- label: dangerous
-- hazard: H13
-- why: the old label is not a value of the type any more (PostgreSQL docs, ALTER TYPE, RENAME VALUE)
-- runs: psql
-- observe: breaks SELECT count(*) FROM orders WHERE status = 'paid'
ALTER TYPE order_status RENAME VALUE 'paid' TO 'settled';

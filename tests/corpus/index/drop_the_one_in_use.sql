-- label: dangerous
-- hazard: H62
-- why: the lookups by user read the whole table from now on (PostgreSQL docs, DROP INDEX)
-- runs: drizzle
-- observe: slows SELECT count(*) FROM orders WHERE user_id = 77
DROP INDEX "orders_user_id_idx";

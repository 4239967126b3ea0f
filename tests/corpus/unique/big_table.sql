-- label: dangerous
-- hazard: H33
-- why: the index is built under ACCESS EXCLUSIVE (PostgreSQL docs, ALTER TABLE, ADD table_constraint)
-- runs: drizzle
-- observe: scans public.orders
-- observe: lock public.orders AccessExclusiveLock
ALTER TABLE "orders" ADD CONSTRAINT "orders_reference_unique" UNIQUE("reference");

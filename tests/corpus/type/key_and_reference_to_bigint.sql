-- label: dangerous
-- hazard: H50 H32
-- why: the table is rewritten and the foreign key over the column is checked anew (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- observe: rewrites public.orders
-- observe: lock public.users ShareRowExclusiveLock
ALTER TABLE "orders" ALTER COLUMN "user_id" SET DATA TYPE bigint;

-- label: safe
-- notes: H51
-- why: the stored form is the same, so only the catalog changes (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: lock public.orders AccessExclusiveLock
ALTER TABLE "orders" ALTER COLUMN "reference" SET DATA TYPE text;

-- label: dangerous
-- hazard: H50
-- why: the values are stored in another size, so the table and its indexes are rewritten (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: rewrites public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE "users" ALTER COLUMN "age" SET DATA TYPE bigint;

-- label: safe
-- notes: H27
-- why: a column without default is only a catalog entry, the lock lasts an instant (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE "users" ADD COLUMN "bio" text;

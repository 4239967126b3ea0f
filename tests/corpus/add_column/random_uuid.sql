-- label: dangerous
-- hazard: H21
-- why: a volatile default is computed for each row, which rewrites the table and its indexes (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: rewrites public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE "users" ADD COLUMN "public_id" uuid DEFAULT gen_random_uuid() NOT NULL;

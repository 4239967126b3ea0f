-- label: dangerous
-- hazard: H25 H33
-- why: UNIQUE builds an index over the table while it is locked (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- observe: scans public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE "users" ADD COLUMN "handle" text CONSTRAINT "users_handle_unique" UNIQUE;

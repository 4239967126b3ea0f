-- label: dangerous
-- hazard: H31
-- why: all rows are checked under ACCESS EXCLUSIVE (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: scans public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE "users" ADD CONSTRAINT "users_age_check" CHECK ("users"."age" > 0);

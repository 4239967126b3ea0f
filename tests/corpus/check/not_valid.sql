-- label: safe
-- why: rows that are there are not looked at, the lock lasts an instant (PostgreSQL docs, ALTER TABLE, NOT VALID)
-- runs: drizzle
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE "users" ADD CONSTRAINT "users_age_check" CHECK ("age" > 0) NOT VALID;

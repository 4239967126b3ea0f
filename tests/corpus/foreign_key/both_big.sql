-- label: dangerous
-- hazard: H32
-- why: both tables refuse writes while every row is looked up (PostgreSQL docs, ALTER TABLE, ADD table_constraint)
-- runs: drizzle
-- observe: scans public.sessions
-- observe: lock public.sessions ShareRowExclusiveLock
-- observe: lock public.users ShareRowExclusiveLock
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;

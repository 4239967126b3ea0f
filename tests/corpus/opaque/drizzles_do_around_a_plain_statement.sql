-- label: dangerous
-- hazard: H32 H101
-- why: the body is plain SQL that older kits wrote: a foreign key over both big tables (PostgreSQL docs, DO)
-- runs: drizzle
-- observe: scans public.sessions
-- observe: lock public.users ShareRowExclusiveLock
DO $$ BEGIN
 ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;

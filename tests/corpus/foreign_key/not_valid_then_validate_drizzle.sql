-- label: dangerous
-- hazard: H36
-- why: writers of both tables wait from the first statement to the commit (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
-- observe: keeps locks
-- observe: lock public.users ShareRowExclusiveLock
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") NOT VALID;--> statement-breakpoint
ALTER TABLE "sessions" VALIDATE CONSTRAINT "sessions_user_fk";

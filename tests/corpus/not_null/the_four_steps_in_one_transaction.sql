-- label: dangerous
-- hazard: H36
-- why: the lock of ADD CONSTRAINT is kept until commit, the validation runs under it (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
-- observe: keeps locks
-- observe: lock public.sessions AccessExclusiveLock
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_token_present" CHECK ("token" IS NOT NULL) NOT VALID;--> statement-breakpoint
ALTER TABLE "sessions" VALIDATE CONSTRAINT "sessions_token_present";--> statement-breakpoint
ALTER TABLE "sessions" ALTER COLUMN "token" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" DROP CONSTRAINT "sessions_token_present";

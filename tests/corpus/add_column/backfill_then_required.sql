-- label: dangerous
-- hazard: H06 H30 H81
-- why: the update of all rows and the check for NULLs run while ADD COLUMN's lock is kept (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
-- observe: keeps locks
-- observe: writes public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE "users" ADD COLUMN "display_name" text;--> statement-breakpoint
UPDATE "users" SET "display_name" = coalesce("name", "email");--> statement-breakpoint
ALTER TABLE "users" ALTER COLUMN "display_name" SET NOT NULL;

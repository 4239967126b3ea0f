-- label: safe
-- notes: H81
-- why: each is a catalog entry, all locks together last an instant (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
ALTER TABLE "users" ADD COLUMN "seen" timestamp;--> statement-breakpoint
ALTER TABLE "invites" ADD COLUMN "seen" timestamp;--> statement-breakpoint
ALTER TABLE "empty_table" ADD COLUMN "seen" timestamp;

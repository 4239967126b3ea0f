-- label: safe
-- why: forty rows are filled and checked in an instant (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
ALTER TABLE "invites" ADD COLUMN "label" text;--> statement-breakpoint
UPDATE "invites" SET "label" = "email";--> statement-breakpoint
ALTER TABLE "invites" ALTER COLUMN "label" SET NOT NULL;

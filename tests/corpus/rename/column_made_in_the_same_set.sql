-- label: safe
-- why: nobody knows the first name (PostgreSQL docs, ALTER TABLE, RENAME)
-- runs: drizzle
ALTER TABLE "users" ADD COLUMN "lang" text;--> statement-breakpoint
ALTER TABLE "users" RENAME COLUMN "lang" TO "language";

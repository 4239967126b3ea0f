-- label: dangerous
-- hazard: H70
-- why: before 17 an added value waits for the commit even when its type is new (PostgreSQL 15 docs, ALTER TYPE, Notes)
-- runs: drizzle
-- postgres: <17
-- observe: fails 55P04
CREATE TYPE "public"."tone" AS ENUM('formal');--> statement-breakpoint
ALTER TYPE "public"."tone" ADD VALUE 'casual';--> statement-breakpoint
ALTER TABLE "invites" ADD COLUMN "tone" "tone" DEFAULT 'casual' NOT NULL;

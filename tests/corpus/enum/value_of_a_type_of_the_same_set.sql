-- label: safe
-- why: since 17 a value of a type made in the same transaction can be used (PostgreSQL 17 release notes; docs, ALTER TYPE, Notes)
-- runs: drizzle
-- postgres: >=17
CREATE TYPE "public"."tone" AS ENUM('formal');--> statement-breakpoint
ALTER TYPE "public"."tone" ADD VALUE 'casual';--> statement-breakpoint
ALTER TABLE "invites" ADD COLUMN "tone" "tone" DEFAULT 'casual' NOT NULL;

-- label: safe
-- notes: H22
-- why: a new type and a constant of it touch no row (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
CREATE TYPE "public"."plan" AS ENUM('free', 'pro');--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "plan" "plan" DEFAULT 'free' NOT NULL;

-- label: dangerous
-- hazard: H20
-- why: the table is there already and keeps its rows, so IF NOT EXISTS makes nothing new (PostgreSQL docs, CREATE TABLE)
-- runs: drizzle
-- observe: fails 23502
CREATE TABLE IF NOT EXISTS "invites" (
	"id" serial PRIMARY KEY NOT NULL
);
--> statement-breakpoint
ALTER TABLE "invites" ADD COLUMN "token" text NOT NULL;

-- label: dangerous
-- hazard: H20
-- why: the default is set after the column was added, which is too late for the rows that are there (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- observe: fails 23502
ALTER TABLE "invites" ADD COLUMN "locale" text NOT NULL;--> statement-breakpoint
ALTER TABLE "invites" ALTER COLUMN "locale" SET DEFAULT 'de';

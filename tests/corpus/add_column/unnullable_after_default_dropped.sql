-- label: safe
-- why: the default fills the rows that are there and goes before any other program sees it (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
ALTER TABLE "empty_table" ADD COLUMN "kind" text DEFAULT 'plain' NOT NULL;--> statement-breakpoint
ALTER TABLE "empty_table" ALTER COLUMN "kind" SET DEFAULT 'fancy';

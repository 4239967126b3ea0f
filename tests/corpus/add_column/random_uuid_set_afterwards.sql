-- label: safe
-- why: a default that is set after the column was added counts only for new rows (PostgreSQL docs, ALTER TABLE, SET DEFAULT)
-- runs: drizzle
ALTER TABLE "users" ADD COLUMN "public_id" uuid;--> statement-breakpoint
ALTER TABLE "users" ALTER COLUMN "public_id" SET DEFAULT gen_random_uuid();

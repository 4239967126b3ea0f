-- label: safe
-- why: a literal cast to jsonb is a constant (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
ALTER TABLE "users" ADD COLUMN "settings" jsonb DEFAULT '{}'::jsonb NOT NULL;

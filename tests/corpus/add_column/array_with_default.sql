-- label: safe
-- why: an array literal is a constant (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
ALTER TABLE "orders" ADD COLUMN "tags" text[] DEFAULT '{}'::text[] NOT NULL;

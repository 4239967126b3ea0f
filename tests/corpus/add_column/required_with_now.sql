-- label: safe
-- notes: H22
-- why: now() is stable, so it is evaluated once and kept in the catalog (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
ALTER TABLE "orders" ADD COLUMN "updated_at" timestamp with time zone DEFAULT now() NOT NULL;

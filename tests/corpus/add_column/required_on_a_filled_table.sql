-- label: dangerous
-- hazard: H20
-- why: rows that are there would hold NULL in the new column, so the statement fails (PostgreSQL docs, ALTER TABLE, ADD COLUMN)
-- runs: drizzle
-- observe: fails 23502
ALTER TABLE "users" ADD COLUMN "tenant_id" integer NOT NULL;

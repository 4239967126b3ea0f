-- label: safe
-- notes: H22
-- why: a constant default is kept in the catalog, no row is touched since 11 (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: works SELECT count(*) FROM users
ALTER TABLE "users" ADD COLUMN "verified" boolean DEFAULT false NOT NULL;

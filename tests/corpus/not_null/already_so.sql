-- label: safe
-- why: the column is NOT NULL already, so nothing is read (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: drizzle
ALTER TABLE "users" ALTER COLUMN "email" SET NOT NULL;

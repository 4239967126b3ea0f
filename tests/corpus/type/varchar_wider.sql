-- label: safe
-- notes: H51
-- why: a longer limit holds for every value that is there (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
ALTER TABLE "users" ALTER COLUMN "name" SET DATA TYPE varchar(200);

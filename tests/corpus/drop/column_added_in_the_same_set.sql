-- label: safe
-- why: the column comes and goes before anybody sees it (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- file: 0004_try.sql
ALTER TABLE "users" ADD COLUMN "experiment" text;
-- file: 0005_untry.sql
ALTER TABLE "users" DROP COLUMN "experiment";

-- label: dangerous
-- hazard: H50 H52
-- why: the table is rewritten to check each length, even if all fit (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: rewrites public.users
ALTER TABLE "users" ALTER COLUMN "name" SET DATA TYPE varchar(50);

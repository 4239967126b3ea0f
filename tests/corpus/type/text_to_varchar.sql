-- label: dangerous
-- hazard: H50 H52
-- why: every value is checked against the limit and the table is rewritten (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: rewrites public.users
ALTER TABLE "users" ALTER COLUMN "email" SET DATA TYPE varchar(255);

-- label: dangerous
-- hazard: H02
-- why: the quoted name is the column that holds values, the other one is not (PostgreSQL docs, Lexical Structure)
-- runs: psql
-- schema: CREATE TABLE "Accounts" (id serial PRIMARY KEY, "Email" text, email text);
-- data: INSERT INTO "Accounts" ("Email") VALUES ('a@example.com');
-- observe: loses public.Accounts.Email
ALTER TABLE "Accounts" DROP COLUMN "Email";

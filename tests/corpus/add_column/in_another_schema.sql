-- label: dangerous
-- hazard: H20
-- why: the table of the same name in public has a default, this one in billing has rows and none (PostgreSQL docs, Schemas)
-- runs: drizzle
-- schema: CREATE SCHEMA billing; CREATE TABLE billing.empty_table (id serial PRIMARY KEY); INSERT INTO billing.empty_table DEFAULT VALUES;
-- observe: fails 23502
ALTER TABLE "billing"."empty_table" ADD COLUMN "vat" integer NOT NULL;

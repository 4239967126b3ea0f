-- label: data
-- hazard: H50
-- why: the key's index is built anew as well (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- schema: CREATE TABLE "Jobs" ("Id" integer PRIMARY KEY, "Queue" text);
-- data: INSERT INTO "Jobs" VALUES (1, 'mail');
-- other data: INSERT INTO "Jobs" SELECT g, 'mail' FROM generate_series(1, 12000) g;
-- observe other: rewrites public.Jobs
ALTER TABLE "Jobs" ALTER COLUMN "Id" TYPE bigint;

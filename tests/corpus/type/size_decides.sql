-- label: data
-- hazard: H50
-- why: a few rows are written anew in an instant (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- schema: CREATE TABLE counters (id serial PRIMARY KEY, n integer NOT NULL);
-- data: INSERT INTO counters (n) VALUES (1);
-- other data: INSERT INTO counters (n) SELECT generate_series(1, 12000);
-- observe other: rewrites public.counters
ALTER TABLE "counters" ALTER COLUMN "n" SET DATA TYPE bigint;

-- label: dangerous
-- hazard: H30
-- why: every row is looked at for NULL while nobody may read or write (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: drizzle
-- schema: CREATE TABLE visits (id serial PRIMARY KEY, path text);
-- data: INSERT INTO visits (path) SELECT '/' || g FROM generate_series(1, 15000) g;
-- observe: scans public.visits
-- observe: lock public.visits AccessExclusiveLock
ALTER TABLE "visits" ALTER COLUMN "path" SET NOT NULL;

-- label: data
-- hazard: H30
-- why: without NULLs it passes either way, but the lock lasts as long as reading all rows (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- schema: CREATE TABLE devices (id serial PRIMARY KEY, model text);
-- data: INSERT INTO devices (model) VALUES ('a'), ('b');
-- other data: INSERT INTO devices (model) SELECT 'm' || g FROM generate_series(1, 15000) g;
-- observe other: scans public.devices
-- observe other: lock public.devices AccessExclusiveLock
ALTER TABLE devices ALTER COLUMN model SET NOT NULL;

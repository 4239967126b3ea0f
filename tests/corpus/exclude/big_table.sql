-- label: dangerous
-- hazard: H35
-- why: an exclusion constraint is always built under ACCESS EXCLUSIVE (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- schema: CREATE TABLE bookings (id serial PRIMARY KEY, during int4range NOT NULL);
-- data: INSERT INTO bookings (during) SELECT int4range(g * 10, g * 10 + 5) FROM generate_series(1, 12000) g;
-- observe: scans public.bookings
-- observe: lock public.bookings AccessExclusiveLock
ALTER TABLE bookings ADD CONSTRAINT bookings_no_overlap EXCLUDE USING gist (during WITH &&);

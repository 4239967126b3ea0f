-- label: dangerous
-- hazard: H90
-- why: the default partition is read for rows that belong to the new one (PostgreSQL docs, ALTER TABLE, ATTACH PARTITION)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_rest PARTITION OF events DEFAULT;
-- data: INSERT INTO events SELECT '2027-03-03', g FROM generate_series(1, 12000) g;
-- observe: scans public.events_rest
-- observe: lock public.events_rest AccessExclusiveLock
CREATE TABLE events_2029 PARTITION OF events FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');

-- label: dangerous
-- hazard: H90
-- why: every row is compared with the bounds while the new partition is locked (PostgreSQL docs, Table Partitioning)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2029 (at date NOT NULL, v integer);
-- data: INSERT INTO events_2029 SELECT '2029-03-03', g FROM generate_series(1, 12000) g;
-- observe: scans public.events_2029
-- observe: lock public.events_2029 AccessExclusiveLock
ALTER TABLE events ATTACH PARTITION events_2029 FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');

-- label: safe
-- why: a valid CHECK proves the bounds, so no row is read (PostgreSQL docs, Table Partitioning)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2029 (at date NOT NULL, v integer, CONSTRAINT events_2029_bounds CHECK (at >= '2029-01-01' AND at < '2030-01-01'));
-- data: INSERT INTO events_2029 SELECT '2029-03-03', g FROM generate_series(1, 12000) g;
ALTER TABLE events ATTACH PARTITION events_2029 FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');

-- label: data
-- hazard: H90
-- why: a row outside the bounds fails it (PostgreSQL docs, ALTER TABLE, ATTACH PARTITION)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2029 (at date NOT NULL, v integer);
-- data: INSERT INTO events_2029 VALUES ('2029-12-31', 1);
-- other data: INSERT INTO events_2029 VALUES ('2030-01-01', 1);
-- observe other: fails 23514
ALTER TABLE events ATTACH PARTITION events_2029 FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');

-- label: data
-- hazard: H91
-- why: what the partition holds is not found through the parent any more (PostgreSQL docs, ALTER TABLE, DETACH PARTITION)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2019 PARTITION OF events FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');
-- other data: INSERT INTO events VALUES ('2019-06-06', 1);
-- observe: lock public.events AccessExclusiveLock
-- observe other: breaks SELECT count(*) FROM events
ALTER TABLE events DETACH PARTITION events_2019;

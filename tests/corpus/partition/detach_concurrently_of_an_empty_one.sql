-- label: safe
-- why: readers of the parent go on, and the partition holds nothing (PostgreSQL docs, ALTER TABLE, DETACH PARTITION CONCURRENTLY)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2019 PARTITION OF events FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');
ALTER TABLE events DETACH PARTITION events_2019 CONCURRENTLY;

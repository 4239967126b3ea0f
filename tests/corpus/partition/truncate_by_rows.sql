-- label: data
-- hazard: H04
-- why: what the partition holds goes (PostgreSQL docs, TRUNCATE)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2019 PARTITION OF events FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');
-- other data: INSERT INTO events VALUES ('2019-06-06', 1);
-- observe other: loses public.events_2019
TRUNCATE events_2019;

-- label: data
-- hazard: H90
-- why: a row in the default that belongs to the new partition fails it (PostgreSQL docs, CREATE TABLE, PARTITION OF)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_rest PARTITION OF events DEFAULT;
-- data: INSERT INTO events VALUES ('2027-01-01', 1);
-- other data: INSERT INTO events VALUES ('2029-06-06', 1);
-- observe other: fails 23514
CREATE TABLE events_2029 PARTITION OF events FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');

-- label: safe
-- why: the new partition is empty and there is no default to read (PostgreSQL docs, Table Partitioning)
-- runs: psql
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2028 PARTITION OF events FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
-- data: INSERT INTO events SELECT '2028-03-03', g FROM generate_series(1, 12000) g;
CREATE TABLE events_2029 PARTITION OF events FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');

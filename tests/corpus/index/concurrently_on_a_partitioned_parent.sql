-- label: dangerous
-- hazard: H65
-- why: a partitioned table cannot be indexed CONCURRENTLY at once (PostgreSQL docs, CREATE INDEX)
-- runs: psql
-- schema: CREATE TABLE measures (at date NOT NULL, v integer) PARTITION BY RANGE (at);
-- observe: fails 0A000
CREATE INDEX CONCURRENTLY measures_v ON measures (v);

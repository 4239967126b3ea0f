-- label: dangerous
-- hazard: H33
-- why: a unique constraint of a partitioned table must hold its key (PostgreSQL docs, Table Partitioning, Limitations)
-- runs: psql
-- schema: CREATE TABLE events (id integer, at date NOT NULL) PARTITION BY RANGE (at);
-- observe: fails 0A000
ALTER TABLE events ADD CONSTRAINT events_id_key UNIQUE (id);

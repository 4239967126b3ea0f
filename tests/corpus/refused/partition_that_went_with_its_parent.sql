-- label: dangerous
-- hazard: H100 H01
-- why: the partitions of a table are dropped with it
-- runs: drizzle
-- schema: CREATE TABLE logs (id integer NOT NULL) PARTITION BY RANGE (id)
-- schema: CREATE TABLE logs_a PARTITION OF logs FOR VALUES FROM (0) TO (100)
-- observe: fails 42P01
DROP TABLE logs;
ALTER TABLE logs_a SET (fillfactor = 80);

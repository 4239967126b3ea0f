-- label: dangerous
-- hazard: H100
-- why: a partition has the columns of its parent and no other
-- runs: drizzle
-- schema: CREATE TABLE logs (id integer NOT NULL) PARTITION BY RANGE (id)
-- schema: CREATE TABLE logs_a PARTITION OF logs FOR VALUES FROM (0) TO (100)
-- observe: fails 42809
ALTER TABLE logs_a ADD COLUMN note text;

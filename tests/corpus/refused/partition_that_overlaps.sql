-- label: dangerous
-- hazard: H100 H90
-- why: a row belongs to one partition
-- runs: drizzle
-- schema: CREATE TABLE logs (id integer NOT NULL) PARTITION BY RANGE (id)
-- schema: CREATE TABLE logs_a PARTITION OF logs FOR VALUES FROM (0) TO (100)
-- observe: fails 42P17
CREATE TABLE logs_b PARTITION OF logs FOR VALUES FROM (50) TO (150);

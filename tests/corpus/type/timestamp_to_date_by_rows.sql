-- label: data
-- hazard: H52
-- why: the time of day is cut off without an error (PostgreSQL docs, Date/Time Types)
-- runs: psql
-- schema: CREATE TABLE births (id serial PRIMARY KEY, at timestamp);
-- data: INSERT INTO births (at) VALUES ('2001-02-03');
-- other data: INSERT INTO births (at) VALUES ('2001-02-03 14:30');
-- observe other: breaks SELECT count(*) FROM births WHERE at = timestamp '2001-02-03 14:30'
ALTER TABLE births ALTER COLUMN at TYPE date;

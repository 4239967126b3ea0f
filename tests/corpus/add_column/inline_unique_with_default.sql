-- label: data
-- hazard: H25 H33
-- why: all rows get the same default, which two of them may not share (PostgreSQL docs, Unique Constraints)
-- runs: psql
-- schema: CREATE TABLE rooms (id serial PRIMARY KEY, name text);
-- data: INSERT INTO rooms (name) VALUES ('one');
-- other data: INSERT INTO rooms (name) VALUES ('one'), ('two');
-- observe other: fails 23505
ALTER TABLE rooms ADD COLUMN slug text NOT NULL DEFAULT '' UNIQUE;

-- label: data
-- hazard: H25 H32
-- why: the default must stand in the other table when there are rows (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- schema: CREATE TABLE teams (id integer PRIMARY KEY);
-- schema: CREATE TABLE members (id serial PRIMARY KEY, name text);
-- data: INSERT INTO teams VALUES (1); INSERT INTO members (name) VALUES ('a');
-- other data: INSERT INTO members (name) VALUES ('a');
-- observe other: fails 23503
ALTER TABLE members ADD COLUMN team_id integer NOT NULL DEFAULT 1 REFERENCES teams (id);

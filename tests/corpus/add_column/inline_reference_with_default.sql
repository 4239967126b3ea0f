-- label: dangerous
-- hazard: H25 H32
-- why: with a default each row refers to something, and all are checked (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- schema: CREATE TABLE teams (id integer PRIMARY KEY);
-- data: INSERT INTO teams VALUES (1);
-- observe: scans public.orders
ALTER TABLE orders ADD COLUMN team_id integer NOT NULL DEFAULT 1 REFERENCES teams (id);

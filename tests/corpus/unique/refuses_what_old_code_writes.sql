-- label: dangerous
-- hazard: H37
-- why: no two rows share it yet, but every new invite is a member (PostgreSQL docs, Unique Constraints)
-- runs: psql
-- schema: CREATE TABLE seats (id serial PRIMARY KEY, kind text DEFAULT 'standard');
-- data: INSERT INTO seats DEFAULT VALUES;
-- observe: breaks INSERT INTO seats DEFAULT VALUES
ALTER TABLE seats ADD CONSTRAINT seats_kind_key UNIQUE (kind);

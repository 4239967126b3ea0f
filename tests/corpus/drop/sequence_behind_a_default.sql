-- label: dangerous
-- hazard: H05
-- why: CASCADE drops the default that draws from the sequence, so inserts without an id fail (PostgreSQL docs, DROP SEQUENCE)
-- runs: psql
-- observe: breaks INSERT INTO invites (email) VALUES ('x@example.com')
DROP SEQUENCE invites_id_seq CASCADE;

-- label: dangerous
-- hazard: H05
-- why: the next insert draws a number that is taken (PostgreSQL docs, ALTER SEQUENCE)
-- runs: psql
-- observe: breaks INSERT INTO invites (email) VALUES ('x@example.com')
ALTER SEQUENCE invites_id_seq RESTART WITH 1;

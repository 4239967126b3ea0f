-- label: dangerous
-- hazard: H33
-- why: NOT VALID exists for CHECK, foreign keys and (18) NOT NULL only (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- observe: fails 0A000
ALTER TABLE invites ADD CONSTRAINT invites_code_key UNIQUE (code) NOT VALID;

-- label: dangerous
-- hazard: H38
-- why: programs that leave the column out get another value from now on (PostgreSQL docs, ALTER TABLE, SET DEFAULT)
-- runs: psql
-- observe: breaks INSERT INTO invites (email) VALUES ('x@example.com') RETURNING role
ALTER TABLE invites ALTER COLUMN role SET DEFAULT 'guest';

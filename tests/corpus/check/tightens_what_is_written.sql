-- label: dangerous
-- hazard: H37
-- why: the deployed code inserts the default role, which the new CHECK refuses (PostgreSQL docs, Check Constraints)
-- runs: psql
-- observe: breaks INSERT INTO invites (email) VALUES ('x@example.com')
ALTER TABLE invites ADD CONSTRAINT invites_role_check CHECK (role IN ('guest', 'owner')) NOT VALID;

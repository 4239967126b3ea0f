-- label: safe
-- why: every column identifies the row; updates write more, and go on (PostgreSQL docs, ALTER TABLE, REPLICA IDENTITY)
-- runs: psql
-- schema: CREATE PUBLICATION feed FOR TABLE invites;
-- observe: works UPDATE invites SET role = 'owner' WHERE id = 1 RETURNING role
ALTER TABLE invites REPLICA IDENTITY FULL;

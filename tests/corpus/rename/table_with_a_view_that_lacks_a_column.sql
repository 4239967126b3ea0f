-- label: dangerous
-- hazard: H11
-- why: the view of the old name leaves out a column that old queries name (PostgreSQL docs, CREATE VIEW)
-- runs: psql
-- observe: breaks SELECT code FROM invites LIMIT 1
-- observe: works SELECT email FROM invites ORDER BY id
BEGIN;
ALTER TABLE invites RENAME TO invitations;
CREATE VIEW invites AS SELECT id, email, role FROM invitations;
COMMIT;

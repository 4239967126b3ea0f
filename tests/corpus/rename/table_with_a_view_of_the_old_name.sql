-- label: safe
-- why: a view of one table with all its columns can be read and written like it (PostgreSQL docs, CREATE VIEW, Updatable Views)
-- runs: psql
-- observe: works SELECT email, code FROM invites ORDER BY id
-- observe: works UPDATE invites SET role = 'owner' WHERE id = 3 RETURNING email, role
BEGIN;
ALTER TABLE invites RENAME TO invitations;
CREATE VIEW invites AS SELECT * FROM invitations;
COMMIT;

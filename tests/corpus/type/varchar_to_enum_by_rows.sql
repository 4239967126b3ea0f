-- label: data
-- hazard: H52
-- why: a value that is none of the labels fails the cast (PostgreSQL docs, Enumerated Types)
-- runs: psql
-- other data: UPDATE invites SET role = 'boss' WHERE id = 11;
-- observe other: fails 22P02
BEGIN;
CREATE TYPE invite_role AS ENUM ('member', 'owner');
ALTER TABLE invites ALTER COLUMN role DROP DEFAULT;
ALTER TABLE invites ALTER COLUMN role TYPE invite_role USING role::invite_role;
ALTER TABLE invites ALTER COLUMN role SET DEFAULT 'member';
COMMIT;

-- label: data
-- hazard: H52
-- why: the cast cuts only what is longer, and that without an error (PostgreSQL docs, Character Types)
-- runs: psql
-- other data: UPDATE invites SET code = 'A-VERY-LONG-INVITATION-CODE' WHERE id = 4;
-- observe: works SELECT code FROM invites ORDER BY id
-- observe other: changes public.invites.code
ALTER TABLE invites ALTER COLUMN code TYPE varchar(10) USING left(code, 10)::varchar(10);

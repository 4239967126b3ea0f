-- label: data
-- hazard: H52
-- why: text that is no number fails the cast (PostgreSQL docs, Type Casts)
-- runs: psql
-- data: UPDATE invites SET code = id::text;
-- other data: UPDATE invites SET code = 'CODE' || id;
-- observe other: fails 22P02
ALTER TABLE invites ALTER COLUMN code TYPE integer USING code::integer;

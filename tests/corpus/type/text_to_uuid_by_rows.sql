-- label: data
-- hazard: H52
-- why: text that is no uuid fails the cast (PostgreSQL docs, UUID Type)
-- runs: psql
-- data: UPDATE invites SET code = gen_random_uuid()::text;
-- other data: UPDATE invites SET code = 'none';
-- observe other: fails 22P02
ALTER TABLE invites ALTER COLUMN code TYPE uuid USING code::uuid;

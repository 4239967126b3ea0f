-- label: data
-- hazard: H52
-- why: text that is no JSON fails the cast (PostgreSQL docs, JSON Types)
-- runs: psql
-- data: UPDATE invites SET code = '{"n": 1}';
-- other data: UPDATE invites SET code = '{n: 1}' WHERE id = 40;
-- observe other: fails 22P02
ALTER TABLE invites ALTER COLUMN code TYPE jsonb USING code::jsonb;

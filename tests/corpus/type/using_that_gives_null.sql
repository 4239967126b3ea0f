-- label: data
-- hazard: H52
-- why: what USING makes of a value must still be one where NULL is refused
-- runs: drizzle
-- schema: ALTER TABLE invites ALTER COLUMN role DROP DEFAULT
-- data: UPDATE invites SET role = '1'
-- other data: UPDATE invites SET role = '1'
-- other data: UPDATE invites SET role = '' WHERE id = 3
-- observe other: fails 23502
ALTER TABLE invites ALTER COLUMN role TYPE integer USING NULLIF(role, '')::integer;

-- label: data
-- hazard: H06 H07
-- why: a key refuses the second row of the same value
-- runs: drizzle
-- schema: ALTER TABLE invites ADD CONSTRAINT invites_code_key UNIQUE (code)
-- data: DELETE FROM invites WHERE invited_by BETWEEN 2 AND 8
-- other data: UPDATE invites SET role = role
-- observe other: fails 23505
UPDATE invites SET code = 'USED' WHERE invited_by < 9;

-- label: data
-- hazard: H52
-- why: what USING makes of each value is NULL, whatever the value was
-- runs: drizzle
-- data: UPDATE invites SET code = NULL
-- other data: UPDATE invites SET code = NULL WHERE id > 3
-- observe other: loses public.invites.code
ALTER TABLE invites ALTER COLUMN code TYPE varchar(20) USING NULL::varchar;

-- label: dangerous
-- hazard: H06
-- why: the values are overwritten with NULL (PostgreSQL docs, UPDATE)
-- runs: psql
-- observe: loses public.invites.code
UPDATE invites SET code = NULL;

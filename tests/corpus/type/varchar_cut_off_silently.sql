-- label: dangerous
-- hazard: H52
-- why: an explicit cast to a shorter varchar cuts without an error (PostgreSQL docs, Character Types)
-- runs: psql
-- observe: changes public.invites.email
ALTER TABLE invites ALTER COLUMN email TYPE varchar(6) USING email::varchar(6);

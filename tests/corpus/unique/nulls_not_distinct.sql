-- label: dangerous
-- hazard: H33
-- why: all the NULLs count as one value (PostgreSQL docs, Unique Constraints, NULLS NOT DISTINCT)
-- runs: psql
-- observe: fails 23505
ALTER TABLE invites ADD CONSTRAINT invites_accepted_at_key UNIQUE NULLS NOT DISTINCT (accepted_at);

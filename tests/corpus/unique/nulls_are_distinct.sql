-- label: safe
-- why: no two NULLs are equal unless it says so (PostgreSQL docs, Unique Constraints)
-- runs: psql
ALTER TABLE invites ADD CONSTRAINT invites_accepted_at_key UNIQUE (accepted_at);

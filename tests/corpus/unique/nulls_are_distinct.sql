-- label: data
-- hazard: H33
-- why: no two NULLs are equal unless it says so, two times are (PostgreSQL docs, Unique Constraints)
-- runs: psql
-- other data: UPDATE invites SET accepted_at = timestamp '2025-01-01' WHERE id < 3;
-- observe other: fails 23505
ALTER TABLE invites ADD CONSTRAINT invites_accepted_at_key UNIQUE (accepted_at);

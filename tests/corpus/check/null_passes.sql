-- label: data
-- hazard: H31
-- why: a CHECK that gives NULL passes; one that is false fails it (PostgreSQL docs, Check Constraints)
-- runs: psql
-- other data: UPDATE invites SET accepted_at = timestamp '2019-01-01' WHERE id = 3;
-- observe other: fails 23514
ALTER TABLE invites ADD CONSTRAINT invites_accepted_check CHECK (accepted_at > timestamp '2020-01-01');

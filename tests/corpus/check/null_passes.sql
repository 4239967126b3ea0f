-- label: safe
-- why: a CHECK that gives NULL passes, and no invite was accepted (PostgreSQL docs, Check Constraints)
-- runs: psql
ALTER TABLE invites ADD CONSTRAINT invites_accepted_check CHECK (accepted_at > timestamp '2020-01-01');

-- label: dangerous
-- hazard: H25 H31
-- why: the default itself does not satisfy the CHECK, so the first row fails it (PostgreSQL docs, Check Constraints)
-- runs: psql
-- observe: fails 23514
ALTER TABLE invites ADD COLUMN seats integer NOT NULL DEFAULT 0 CHECK (seats > 0);

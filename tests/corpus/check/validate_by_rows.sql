-- label: data
-- hazard: H31
-- why: a row from before the constraint fails the validation (PostgreSQL docs, ALTER TABLE, VALIDATE CONSTRAINT)
-- runs: psql
-- data: ALTER TABLE invites ADD CONSTRAINT invites_weight_check CHECK (weight > 0) NOT VALID;
-- other data: UPDATE invites SET weight = 0 WHERE id = 1;
-- other data: ALTER TABLE invites ADD CONSTRAINT invites_weight_check CHECK (weight > 0) NOT VALID;
-- observe other: fails 23514
ALTER TABLE invites VALIDATE CONSTRAINT invites_weight_check;

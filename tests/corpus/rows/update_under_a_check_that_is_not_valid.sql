-- label: data
-- hazard: H06 H07
-- why: a CHECK that is NOT VALID refuses each row that is written, whatever is set
-- runs: drizzle
-- data: ALTER TABLE invites ADD CONSTRAINT invites_weight_check CHECK (weight > 0) NOT VALID
-- other data: ALTER TABLE invites ADD CONSTRAINT invites_weight_check CHECK (weight > 5) NOT VALID
-- observe other: fails 23514
UPDATE invites SET accepted_at = '2024-01-01' WHERE invited_by < 9;

-- label: data
-- hazard: H37
-- why: any later update of a row that violates the CHECK fails (PostgreSQL docs, ALTER TABLE, NOT VALID)
-- runs: psql
-- data: UPDATE invites SET weight = 1;
-- other data: UPDATE invites SET weight = -1 WHERE id = 5;
-- observe other: breaks UPDATE invites SET role = 'owner' WHERE id = 5
ALTER TABLE invites ADD CONSTRAINT invites_weight_check CHECK (weight > 0) NOT VALID;

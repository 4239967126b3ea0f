-- label: data
-- hazard: H52
-- why: digits beyond the scale are rounded away without an error (PostgreSQL docs, Numeric Types)
-- runs: psql
-- data: UPDATE invites SET weight = round(weight, 1);
-- other data: UPDATE invites SET weight = 1.25;
-- observe other: breaks SELECT count(*) FROM invites WHERE weight = 1.25
ALTER TABLE invites ALTER COLUMN weight TYPE numeric(8, 1);

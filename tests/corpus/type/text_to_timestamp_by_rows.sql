-- label: data
-- hazard: H52
-- why: text that is no time fails the cast (PostgreSQL docs, Date/Time Types)
-- runs: psql
-- data: UPDATE invites SET code = '2029-01-01 10:00';
-- other data: UPDATE invites SET code = '2029-02-30' WHERE id = 2;
-- observe other: fails 22007
ALTER TABLE invites ALTER COLUMN code TYPE timestamp USING code::timestamp;

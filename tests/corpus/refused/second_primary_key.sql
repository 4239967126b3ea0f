-- label: dangerous
-- hazard: H100
-- why: a table has one primary key
-- runs: drizzle
-- observe: fails 42P16
ALTER TABLE invites ADD COLUMN number bigserial PRIMARY KEY;

-- label: dangerous
-- hazard: H100
-- why: a column of a primary key holds no NULL
-- runs: drizzle
-- observe: fails 42P16
ALTER TABLE invites ALTER COLUMN id DROP NOT NULL;

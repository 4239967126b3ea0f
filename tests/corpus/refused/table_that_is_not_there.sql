-- label: dangerous
-- hazard: H100 H20
-- why: a table that nobody has fails the whole set
-- runs: drizzle
-- observe: fails 42P01
ALTER TABLE customers ADD COLUMN vat text NOT NULL;

-- label: dangerous
-- hazard: H100
-- why: the key of the other table must be comparable after the change too (numeric does not refer to integer)
-- runs: drizzle
-- schema: CREATE TABLE parts (whole integer REFERENCES empty_table (id))
-- observe: fails 42804
ALTER TABLE parts ALTER COLUMN whole TYPE numeric;

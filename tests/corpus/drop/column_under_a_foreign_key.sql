-- label: dangerous
-- hazard: H02
-- why: without CASCADE a column that others refer to is kept
-- runs: drizzle
-- schema: CREATE TABLE parts (whole integer REFERENCES empty_table (id))
-- observe: fails 2BP01
ALTER TABLE empty_table DROP COLUMN id;

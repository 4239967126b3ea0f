-- label: dangerous
-- hazard: H100
-- why: a generated column is computed of plain columns alone
-- runs: drizzle
-- schema: ALTER TABLE empty_table ADD COLUMN twice integer GENERATED ALWAYS AS (amount * 2) STORED
-- observe: fails 42P17
ALTER TABLE empty_table ADD COLUMN fourfold integer GENERATED ALWAYS AS (twice * 2) STORED;

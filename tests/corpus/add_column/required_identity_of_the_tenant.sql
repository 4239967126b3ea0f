-- label: data
-- hazard: H20
-- why: the first of the two columns has a default, the second has none and needs an empty table (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- other data: INSERT INTO empty_table (name) VALUES ('one');
-- observe other: fails 23502
ALTER TABLE empty_table
  ADD COLUMN currency char(3) NOT NULL DEFAULT 'EUR',
  ADD COLUMN owner_id integer NOT NULL;

-- label: dangerous
-- hazard: H10
-- why: how many rows there are does not matter to a query that names the column (PostgreSQL docs, ALTER TABLE, RENAME)
-- runs: psql
-- observe: breaks SELECT name FROM empty_table
ALTER TABLE empty_table RENAME name TO title;

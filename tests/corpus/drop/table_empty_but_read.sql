-- label: dangerous
-- hazard: H01
-- why: no row is lost, and yet every program that reads the table fails (PostgreSQL docs, DROP TABLE)
-- runs: psql
-- observe: breaks SELECT id, name FROM empty_table
DROP TABLE empty_table;

-- label: data
-- hazard: H24 H52
-- why: the expression is evaluated for each row and divides by what stands there (PostgreSQL docs, Generated Columns)
-- runs: psql
-- schema: CREATE TABLE rates (id serial PRIMARY KEY, hours integer NOT NULL);
-- data: INSERT INTO rates (hours) VALUES (8), (4);
-- other data: INSERT INTO rates (hours) VALUES (8), (0);
-- observe other: fails 22012
ALTER TABLE rates ADD COLUMN per_hour numeric GENERATED ALWAYS AS (100 / hours) STORED;

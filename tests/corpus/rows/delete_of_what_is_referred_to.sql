-- label: data
-- hazard: H06
-- why: a row that another refers to cannot go (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- schema: CREATE TABLE kinds (id integer PRIMARY KEY); CREATE TABLE things (kind_id integer REFERENCES kinds);
-- data: INSERT INTO kinds VALUES (1);
-- other data: INSERT INTO kinds VALUES (1), (9); INSERT INTO things VALUES (9);
-- observe other: fails 23503
DELETE FROM kinds WHERE id = 9;

-- label: data
-- hazard: H06 H61
-- why: a row with the same key may be there already (PostgreSQL docs, Unique Constraints)
-- runs: psql
-- schema: CREATE TABLE countries (code text PRIMARY KEY, name text);
-- data: INSERT INTO countries VALUES ('FR', 'France');
-- other data: INSERT INTO countries VALUES ('DE', 'Germany');
-- observe other: fails 23505
INSERT INTO countries VALUES ('DE', 'Deutschland');

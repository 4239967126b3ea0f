-- label: data
-- hazard: H35
-- why: two rows that overlap fail it (PostgreSQL docs, Exclusion Constraints)
-- runs: psql
-- schema: CREATE TABLE shifts (id serial PRIMARY KEY, during int4range NOT NULL);
-- data: INSERT INTO shifts (during) VALUES ('[1,5)'), ('[5,9)');
-- other data: INSERT INTO shifts (during) VALUES ('[1,5]'), ('[5,9)');
-- observe other: fails 23P01
ALTER TABLE shifts ADD CONSTRAINT shifts_no_overlap EXCLUDE USING gist (during WITH &&);

-- label: data
-- hazard: H03
-- why: whether the tables of the schema hold rows decides what is lost (PostgreSQL docs, DROP SCHEMA)
-- runs: psql
-- schema: CREATE SCHEMA staging;
-- other data: CREATE TABLE staging.uploads (id integer); INSERT INTO staging.uploads VALUES (1);
-- observe other: loses staging.uploads
DROP SCHEMA IF EXISTS staging CASCADE;

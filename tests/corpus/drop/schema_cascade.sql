-- label: dangerous
-- hazard: H03
-- why: every table of the schema goes (PostgreSQL docs, DROP SCHEMA)
-- runs: psql
-- schema: CREATE SCHEMA legacy; CREATE TABLE legacy.bills (id integer);
-- data: INSERT INTO legacy.bills SELECT generate_series(1, 10);
-- observe: loses legacy.bills
DROP SCHEMA legacy CASCADE;

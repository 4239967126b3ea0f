-- label: safe
-- why: without CASCADE only an empty schema is dropped, and this one is (PostgreSQL docs, DROP SCHEMA)
-- runs: psql
-- schema: CREATE SCHEMA scratch;
DROP SCHEMA scratch;

-- label: safe
-- notes: H96
-- why: the newest version is installed already (PostgreSQL docs, ALTER EXTENSION)
-- runs: psql
-- schema: CREATE EXTENSION hstore;
ALTER EXTENSION hstore UPDATE;

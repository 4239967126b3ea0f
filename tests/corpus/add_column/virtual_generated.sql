-- label: safe
-- why: a virtual generated column is computed when it is read (PostgreSQL 18 docs, Generated Columns)
-- runs: psql
-- postgres: >=18
ALTER TABLE users ADD COLUMN email_lower text GENERATED ALWAYS AS (lower(email)) VIRTUAL;

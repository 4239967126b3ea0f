-- label: safe
-- why: since 18 a generated column is virtual unless it says STORED (PostgreSQL 18 docs, CREATE TABLE)
-- runs: psql
-- postgres: >=18
ALTER TABLE orders ADD COLUMN total_cents numeric GENERATED ALWAYS AS (total * 100);

-- label: safe
-- why: one row is found by its key (PostgreSQL docs, UPDATE)
-- runs: psql
UPDATE users SET name = 'Test' WHERE id = 17;

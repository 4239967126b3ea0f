-- label: safe
-- why: only the next ANALYZE is told (PostgreSQL docs, ALTER TABLE, SET STATISTICS)
-- runs: psql
ALTER TABLE orders ALTER COLUMN total SET STATISTICS 500;

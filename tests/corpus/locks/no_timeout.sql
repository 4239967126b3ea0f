-- label: safe
-- notes: H80
-- why: without lock_timeout a waiting ALTER makes all others queue, which is the runner's to set (PostgreSQL docs, Client Connection Defaults)
-- runs: psql
ALTER TABLE orders ADD COLUMN gift boolean;

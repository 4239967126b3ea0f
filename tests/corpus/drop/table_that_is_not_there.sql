-- label: safe
-- notes: H103
-- why: IF EXISTS makes nothing of a table that does not exist (PostgreSQL docs, DROP TABLE)
-- runs: psql
DROP TABLE IF EXISTS users_backup_2019;

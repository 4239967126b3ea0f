-- label: data
-- hazard: H01
-- notes: H103
-- why: IF EXISTS makes nothing of a table that does not exist, and drops one that does (PostgreSQL docs, DROP TABLE)
-- runs: psql
-- other data: CREATE TABLE users_backup_2019 AS SELECT id, email FROM users;
-- observe other: breaks SELECT count(email) FROM users_backup_2019
DROP TABLE IF EXISTS users_backup_2019;

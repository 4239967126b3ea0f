-- label: dangerous
-- hazard: H10
-- why: both names are there afterwards, with each other's values (PostgreSQL docs, ALTER TABLE, RENAME)
-- runs: psql
-- observe: breaks SELECT name FROM users ORDER BY id LIMIT 3
BEGIN;
ALTER TABLE users RENAME COLUMN name TO name_before;
ALTER TABLE users RENAME COLUMN nickname TO name;
ALTER TABLE users RENAME COLUMN name_before TO nickname;
COMMIT;

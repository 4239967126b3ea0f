-- label: dangerous
-- hazard: H94
-- why: the role of the running program may not read any more (PostgreSQL docs, REVOKE)
-- runs: psql
-- observe: breaks SET LOCAL ROLE app_user; SELECT email FROM users LIMIT 1
REVOKE SELECT ON users FROM app_user;

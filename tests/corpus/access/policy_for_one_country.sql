-- label: dangerous
-- hazard: H94
-- why: rows outside the policy vanish for running code (PostgreSQL docs, CREATE POLICY)
-- runs: psql
-- data: UPDATE users SET country = 'FR' WHERE id <= 100;
-- observe: breaks SET LOCAL ROLE app_user; SELECT count(*) FROM users
BEGIN;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY users_de ON users FOR ALL TO app_user USING (country = 'DE');
COMMIT;

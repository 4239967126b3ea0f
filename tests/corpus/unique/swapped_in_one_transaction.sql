-- label: safe
-- why: both indexes exist, the constraint moves from one to the other in an instant (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- schema: CREATE UNIQUE INDEX users_email_again ON users (email);
-- observe: works INSERT INTO users (email) VALUES ('user1@example.com') ON CONFLICT (email) DO NOTHING RETURNING email
BEGIN;
ALTER TABLE users DROP CONSTRAINT users_email_key;
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_again;
COMMIT;

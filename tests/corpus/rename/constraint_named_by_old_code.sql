-- label: dangerous
-- hazard: H11
-- why: ON CONFLICT ON CONSTRAINT names the constraint (PostgreSQL docs, INSERT)
-- runs: psql
-- observe: breaks INSERT INTO users (email) VALUES ('user1@example.com') ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING
ALTER TABLE users RENAME CONSTRAINT users_email_key TO users_email_unique;

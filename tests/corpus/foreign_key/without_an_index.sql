-- label: dangerous
-- hazard: H39
-- why: each delete of a user reads all sessions to find those that refer to it (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- data: INSERT INTO users (email) VALUES ('new@example.com');
-- observe: slows DELETE FROM users WHERE id = 20001
ALTER TABLE sessions ADD CONSTRAINT sessions_user_fk FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;

-- label: safe
-- why: the validation takes SHARE UPDATE EXCLUSIVE here and ROW SHARE there (PostgreSQL docs, ALTER TABLE, VALIDATE CONSTRAINT)
-- runs: psql
-- schema: CREATE INDEX sessions_user_id ON sessions (user_id);
-- observe: scans public.sessions
-- observe: lock public.users RowShareLock
ALTER TABLE sessions ADD CONSTRAINT sessions_user_fk FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_user_fk;

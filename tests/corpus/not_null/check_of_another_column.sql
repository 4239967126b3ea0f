-- label: dangerous
-- hazard: H30
-- why: the valid CHECK speaks of another column (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: psql
-- schema: ALTER TABLE sessions ADD CONSTRAINT sessions_present CHECK (user_id IS NOT NULL);
-- observe: scans public.sessions
ALTER TABLE sessions ALTER COLUMN token SET NOT NULL;

-- label: dangerous
-- hazard: H30
-- why: the CHECK allows NULL for some rows and proves nothing (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: psql
-- schema: ALTER TABLE sessions ADD CONSTRAINT sessions_one CHECK (token IS NOT NULL OR user_id IS NOT NULL);
-- observe: scans public.sessions
ALTER TABLE sessions ALTER COLUMN token SET NOT NULL;

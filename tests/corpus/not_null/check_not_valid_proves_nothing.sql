-- label: dangerous
-- hazard: H30
-- why: a CHECK that was never validated proves nothing, so all rows are read (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: psql
-- schema: ALTER TABLE sessions ADD CONSTRAINT sessions_token_present CHECK (token IS NOT NULL) NOT VALID;
-- observe: scans public.sessions
-- observe: lock public.sessions AccessExclusiveLock
ALTER TABLE sessions ALTER COLUMN token SET NOT NULL;

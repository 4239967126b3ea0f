-- label: safe
-- why: the only scan runs under SHARE UPDATE EXCLUSIVE in a transaction of its own (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- observe: scans public.sessions
-- observe: lock public.sessions ShareUpdateExclusiveLock
ALTER TABLE sessions ADD CONSTRAINT sessions_token_present CHECK (token IS NOT NULL) NOT VALID;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_token_present;
ALTER TABLE sessions ALTER COLUMN token SET NOT NULL;
ALTER TABLE sessions DROP CONSTRAINT sessions_token_present;

-- label: dangerous
-- hazard: H25 H31
-- why: a CHECK is tried on each row, even where the column is new (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- observe: scans public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE users ADD COLUMN score integer DEFAULT 0 CHECK (score >= 0);

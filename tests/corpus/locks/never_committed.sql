-- label: dangerous
-- hazard: H83
-- why: the script opens a transaction and never ends it, the session takes everything back (PostgreSQL docs, BEGIN)
-- runs: psql
-- observe: lock public.invites AccessExclusiveLock
BEGIN;
ALTER TABLE invites ADD COLUMN token text;

-- label: dangerous
-- hazard: H53
-- why: the order changes, so the index over the column is built anew (PostgreSQL docs, Collation Support)
-- runs: psql
-- observe: scans public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE users ALTER COLUMN email TYPE text COLLATE "C";

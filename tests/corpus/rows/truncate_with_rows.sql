-- label: dangerous
-- hazard: H04
-- why: all rows go and nobody may read meanwhile (PostgreSQL docs, TRUNCATE)
-- runs: psql
-- observe: loses public.sessions
-- observe: lock public.sessions AccessExclusiveLock
TRUNCATE sessions;

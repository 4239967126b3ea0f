-- label: dangerous
-- hazard: H34
-- why: the index is built and every row looked at for NULL under ACCESS EXCLUSIVE (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- observe: scans public.sessions
-- observe: lock public.sessions AccessExclusiveLock
ALTER TABLE "sessions" ADD PRIMARY KEY ("token");

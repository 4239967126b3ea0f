-- label: dangerous
-- hazard: H01
-- why: the rows are gone for good (PostgreSQL docs, DROP TABLE)
-- runs: drizzle
-- observe: loses public.sessions
-- observe: breaks SELECT count(token) FROM sessions
DROP TABLE "sessions" CASCADE;

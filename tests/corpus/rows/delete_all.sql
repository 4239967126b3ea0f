-- label: dangerous
-- hazard: H06
-- why: without WHERE every row goes (PostgreSQL docs, DELETE)
-- runs: drizzle
-- observe: loses public.sessions
-- observe: writes public.sessions
DELETE FROM "sessions";

-- label: dangerous
-- hazard: H50
-- why: jsonb is stored in another form (PostgreSQL docs, JSON Types)
-- runs: drizzle
-- observe: rewrites public.sessions
ALTER TABLE "sessions" ALTER COLUMN "payload" SET DATA TYPE jsonb;

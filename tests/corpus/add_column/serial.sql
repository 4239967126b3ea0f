-- label: dangerous
-- hazard: H23
-- why: serial stands for nextval(), which is volatile (PostgreSQL docs, Serial Types)
-- runs: drizzle
-- observe: rewrites public.sessions
ALTER TABLE "sessions" ADD COLUMN "id" bigserial NOT NULL;

-- label: dangerous
-- hazard: H36
-- why: both steps in one transaction scan under the first one's lock (PostgreSQL 18 docs, ALTER TABLE, Notes)
-- runs: drizzle
-- postgres: >=18
-- observe: keeps locks
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_token_not_null" NOT NULL "token" NOT VALID;--> statement-breakpoint
ALTER TABLE "sessions" VALIDATE CONSTRAINT "sessions_token_not_null";

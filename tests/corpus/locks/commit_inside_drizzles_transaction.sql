-- label: dangerous
-- hazard: H83
-- why: COMMIT ends the runner's transaction, so what came before stays although the rest fails (PostgreSQL docs, COMMIT)
-- runs: drizzle
-- observe: fails 23502
-- observe: loses public.invites.code
ALTER TABLE "invites" DROP COLUMN "code";--> statement-breakpoint
COMMIT;--> statement-breakpoint
ALTER TABLE "invites" ADD COLUMN "token" text NOT NULL;

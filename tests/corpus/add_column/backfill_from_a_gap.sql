-- label: data
-- hazard: H30
-- why: what is copied may be NULL itself, then SET NOT NULL fails (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: drizzle
-- data: UPDATE invites SET accepted_at = now();
-- other data: UPDATE invites SET accepted_at = now() WHERE id < 40;
-- observe other: fails 23502
ALTER TABLE "invites" ADD COLUMN "joined_at" timestamp;--> statement-breakpoint
UPDATE "invites" SET "joined_at" = "accepted_at";--> statement-breakpoint
ALTER TABLE "invites" ALTER COLUMN "joined_at" SET NOT NULL;

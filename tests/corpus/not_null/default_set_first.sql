-- label: data
-- hazard: H30
-- why: a default does not fill the rows that are there (PostgreSQL docs, ALTER TABLE, SET DEFAULT)
-- runs: drizzle
-- data: UPDATE invites SET accepted_at = now();
-- other data: UPDATE invites SET accepted_at = NULL;
-- observe other: fails 23502
ALTER TABLE "invites" ALTER COLUMN "accepted_at" SET DEFAULT now();--> statement-breakpoint
ALTER TABLE "invites" ALTER COLUMN "accepted_at" SET NOT NULL;

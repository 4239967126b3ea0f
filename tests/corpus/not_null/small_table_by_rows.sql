-- label: data
-- hazard: H30
-- why: forty rows are checked in an instant, and one NULL among them fails it (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: drizzle
-- other data: UPDATE invites SET code = NULL WHERE id = 7;
-- observe other: fails 23502
ALTER TABLE "invites" ALTER COLUMN "code" SET NOT NULL;

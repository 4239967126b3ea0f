-- label: data
-- hazard: H52
-- why: one value that is too long fails it (PostgreSQL docs, Character Types)
-- runs: drizzle
-- other data: UPDATE invites SET email = repeat('x', 60) WHERE id = 9;
-- observe other: fails 22001
ALTER TABLE "invites" ALTER COLUMN "email" SET DATA TYPE varchar(40);

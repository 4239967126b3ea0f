-- label: data
-- hazard: H52
-- why: a number beyond 32767 fails it (PostgreSQL docs, Numeric Types)
-- runs: drizzle
-- other data: UPDATE invites SET invited_by = 40000 WHERE id = 1;
-- observe other: fails 22003
ALTER TABLE "invites" ALTER COLUMN "invited_by" SET DATA TYPE smallint;

-- label: safe
-- notes: H38
-- why: what was allowed stays allowed; readers may meet NULL only once a program writes one (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- observe: works SELECT email FROM invites ORDER BY id
ALTER TABLE "invites" ALTER COLUMN "role" DROP NOT NULL;

-- label: dangerous
-- hazard: H38
-- why: without the default an insert that leaves the column out gives NULL where none may be (PostgreSQL docs, Default Values)
-- runs: drizzle
-- observe: breaks INSERT INTO invites (email) VALUES ('x@example.com') RETURNING role
ALTER TABLE "invites" ALTER COLUMN "role" DROP DEFAULT;

-- label: dangerous
-- hazard: H95 H38
-- why: the primary key was the replica identity (PostgreSQL docs, Logical Replication, Publication)
-- runs: drizzle
-- schema: CREATE PUBLICATION feed FOR TABLE invites;
-- observe: breaks UPDATE invites SET role = 'owner' WHERE id = 1
ALTER TABLE "invites" DROP CONSTRAINT "invites_pkey";

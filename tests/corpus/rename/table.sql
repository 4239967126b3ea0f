-- label: dangerous
-- hazard: H11
-- why: the old name fails at once (PostgreSQL docs, ALTER TABLE, RENAME)
-- runs: drizzle
-- observe: breaks SELECT email FROM invites LIMIT 1
ALTER TABLE "invites" RENAME TO "invitations";

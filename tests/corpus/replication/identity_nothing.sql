-- label: dangerous
-- hazard: H95
-- why: without a replica identity a published table takes no update (PostgreSQL docs, ALTER TABLE, REPLICA IDENTITY)
-- runs: psql
-- schema: CREATE PUBLICATION feed FOR TABLE invites;
-- observe: breaks UPDATE invites SET role = 'owner' WHERE id = 1
ALTER TABLE invites REPLICA IDENTITY NOTHING;

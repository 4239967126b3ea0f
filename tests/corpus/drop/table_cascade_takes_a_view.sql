-- label: dangerous
-- hazard: H01 H05
-- why: CASCADE drops the view over the table as well (PostgreSQL docs, Dependency Tracking)
-- runs: psql
-- schema: CREATE VIEW open_invites AS SELECT email FROM invites WHERE accepted_at IS NULL;
-- observe: breaks SELECT email FROM open_invites
-- observe: loses public.invites
DROP TABLE invites CASCADE;

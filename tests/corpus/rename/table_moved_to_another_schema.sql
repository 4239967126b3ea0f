-- label: dangerous
-- hazard: H11
-- why: the schema is not on the search path (PostgreSQL docs, Schemas)
-- runs: psql
-- schema: CREATE SCHEMA crm;
-- observe: breaks SELECT email FROM invites LIMIT 1
ALTER TABLE invites SET SCHEMA crm;

-- label: dangerous
-- hazard: H100
-- why: without IF NOT EXISTS a schema that is there fails the set
-- runs: drizzle
-- schema: CREATE SCHEMA billing
-- observe: fails 42P06
CREATE SCHEMA billing;

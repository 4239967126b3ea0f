-- label: dangerous
-- hazard: H25 H40
-- why: a column of a constrained domain is computed and checked for each row (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- schema: CREATE DOMAIN percentage AS integer CHECK (VALUE BETWEEN 0 AND 100);
-- observe: scans public.users
-- observe: lock public.users AccessExclusiveLock
ALTER TABLE users ADD COLUMN discount percentage;

-- label: dangerous
-- hazard: H11
-- why: every qualified name in the old code fails (PostgreSQL docs, ALTER SCHEMA)
-- runs: psql
-- schema: CREATE SCHEMA shop; CREATE TABLE shop.baskets (id serial PRIMARY KEY);
-- observe: breaks SELECT id FROM shop.baskets
ALTER SCHEMA shop RENAME TO store;

-- label: dangerous
-- hazard: H92
-- why: CREATE OR REPLACE changes what callers get, under the same name (PostgreSQL docs, CREATE FUNCTION)
-- runs: psql
-- schema: CREATE FUNCTION price_with_tax(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT $1 * 1.19 $$;
-- observe: breaks SELECT price_with_tax(100)
CREATE OR REPLACE FUNCTION price_with_tax(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT $1 * 1.07 $$;

-- label: dangerous
-- hazard: H11
-- why: the old name of the function is called by what is deployed (PostgreSQL docs, ALTER FUNCTION)
-- runs: psql
-- schema: CREATE FUNCTION next_reference() RETURNS text LANGUAGE sql AS $$ SELECT 'R' $$;
-- observe: breaks SELECT next_reference()
ALTER FUNCTION next_reference() RENAME TO new_reference;

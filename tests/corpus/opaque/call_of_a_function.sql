-- label: unjudgeable
-- hazard: H101
-- why: a SELECT may call a function that changes the schema (PostgreSQL docs, CREATE FUNCTION)
-- runs: psql
-- schema: CREATE FUNCTION upgrade(target text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER TABLE ' || target || ' ADD COLUMN upgraded boolean'; END $$;
SELECT upgrade('users');

-- label: unjudgeable
-- hazard: H101
-- why: the function runs whatever text it is given (PostgreSQL docs, PL/pgSQL, Executing Dynamic Commands)
-- runs: psql
-- schema: CREATE FUNCTION run_all(VARIADIC text[]) RETURNS void LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN FOREACH s IN ARRAY $1 LOOP EXECUTE s; END LOOP; END $$;
SELECT run_all('ALTER TABLE users ADD COLUMN x ' || 'text', 'ALTER TABLE users ALTER x SET DEFAULT 1');

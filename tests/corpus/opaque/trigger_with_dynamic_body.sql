-- label: unjudgeable
-- hazard: H101
-- why: the function is made and run by the file, and its text is computed (PostgreSQL docs, PL/pgSQL)
-- runs: psql
CREATE FUNCTION pg_temp.migrate() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE (SELECT string_agg(format('ALTER TABLE %s ADD COLUMN tenant integer', oid::regclass), ';')
           FROM pg_class WHERE relkind = 'r' AND relname IN ('users', 'orders'));
END $$;
SELECT pg_temp.migrate();

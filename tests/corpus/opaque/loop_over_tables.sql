-- label: unjudgeable
-- hazard: H101
-- why: what EXECUTE runs is put together from the catalog when it runs (PostgreSQL docs, PL/pgSQL, Executing Dynamic Commands)
-- runs: psql
DO $$
DECLARE t record;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'tmp\_%' LOOP
    EXECUTE format('DROP TABLE %I', t.tablename);
  END LOOP;
END $$;

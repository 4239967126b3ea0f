-- label: unjudgeable
-- hazard: H101
-- why: the statement is put together from variables (PostgreSQL docs, PL/pgSQL)
-- runs: psql
DO $$
DECLARE old_name text := 'pho' || 'ne';
BEGIN
  EXECUTE 'ALTER TABLE users RENAME ' || old_name || ' TO telephone';
END $$;

-- label: unjudgeable
-- hazard: H101
-- why: the same change runs in every schema that is there (PostgreSQL docs, PL/pgSQL)
-- runs: drizzle
DO $$ DECLARE s text; BEGIN
  FOR s IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tenant\_%' LOOP
    EXECUTE format('ALTER TABLE %I.members ALTER COLUMN email SET NOT NULL', s);
  END LOOP;
END $$;

-- label: unjudgeable
-- hazard: H101
-- why: which indexes are dropped stands in the statistics of the database (PostgreSQL docs, PL/pgSQL)
-- runs: drizzle
DO $$ DECLARE i record; BEGIN
  FOR i IN SELECT indexrelname FROM pg_stat_user_indexes WHERE idx_scan = 0 AND indexrelname LIKE '%\_old' LOOP
    EXECUTE 'DROP INDEX ' || quote_ident(i.indexrelname);
  END LOOP;
END $$;

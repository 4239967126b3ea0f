-- label: unjudgeable
-- hazard: H101
-- why: whether the column is renamed depends on the database (PostgreSQL docs, DO)
-- runs: drizzle
DO $$ BEGIN
 IF EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'fone') THEN
  EXECUTE 'ALTER TABLE users RENAME COLUMN fone TO phone';
 END IF;
END $$;

-- label: unjudgeable
-- hazard: H101
-- why: the partition's name is computed from the date (PostgreSQL docs, PL/pgSQL, Executing Dynamic Commands)
-- runs: psql
DO $do$
BEGIN
  EXECUTE format('CREATE TABLE IF NOT EXISTS %I (id integer)', 'log_' || to_char(now(), 'YYYY_MM'));
END
$do$;

-- label: unjudgeable
-- hazard: H101
-- why: the statements stand in rows (PostgreSQL docs, PL/pgSQL, Executing Dynamic Commands)
-- runs: psql
-- schema: CREATE TABLE patches (id serial, body text); INSERT INTO patches (body) VALUES ('ALTER TABLE users DROP COLUMN phone');
DO $$ DECLARE p text; BEGIN FOR p IN SELECT body FROM patches ORDER BY id LOOP EXECUTE p; END LOOP; END $$;

-- label: safe
-- why: the body gives the same for every argument (PostgreSQL docs, CREATE FUNCTION)
-- runs: psql
-- schema: CREATE FUNCTION net(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT $1 / 1.19 $$;
-- observe: works SELECT net(119)
CREATE OR REPLACE FUNCTION net(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT $1 / 1.19 $$;

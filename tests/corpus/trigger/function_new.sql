-- label: safe
-- why: nobody calls what did not exist (PostgreSQL docs, CREATE FUNCTION)
-- runs: psql
CREATE FUNCTION initials(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT left($1, 1) $$;

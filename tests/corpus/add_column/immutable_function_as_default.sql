-- label: safe
-- why: a function declared IMMUTABLE is evaluated once (PostgreSQL docs, Function Volatility Categories)
-- runs: psql
-- schema: CREATE FUNCTION default_locale() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'de-DE'::text $$;
ALTER TABLE users ADD COLUMN locale text NOT NULL DEFAULT default_locale();

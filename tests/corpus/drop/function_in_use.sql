-- label: dangerous
-- hazard: H05
-- why: programs call the function by name (PostgreSQL docs, DROP FUNCTION)
-- runs: psql
-- schema: CREATE FUNCTION full_name(users) RETURNS text LANGUAGE sql STABLE AS $$ SELECT coalesce($1.name, $1.email) $$;
-- observe: breaks SELECT full_name(u) FROM users u LIMIT 1
DROP FUNCTION full_name(users);

CREATE FUNCTION "normalized"(email text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(email)';

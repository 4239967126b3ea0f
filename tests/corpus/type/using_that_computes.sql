-- label: dangerous
-- hazard: H50
-- why: an expression is evaluated for each row even though the type stays text (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- observe: rewrites public.users
ALTER TABLE users ALTER COLUMN email TYPE text USING lower(email);

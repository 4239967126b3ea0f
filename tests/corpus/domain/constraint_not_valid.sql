-- label: safe
-- why: values that are there are not looked at (PostgreSQL docs, ALTER DOMAIN, NOT VALID)
-- runs: psql
-- schema: CREATE DOMAIN slug AS text; CREATE TABLE articles (id serial PRIMARY KEY, slug slug);
-- data: INSERT INTO articles (slug) SELECT 'a' || g FROM generate_series(1, 15000) g;
ALTER DOMAIN slug ADD CONSTRAINT slug_not_empty CHECK (VALUE <> '') NOT VALID;

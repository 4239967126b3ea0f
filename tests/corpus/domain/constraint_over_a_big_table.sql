-- label: dangerous
-- hazard: H40
-- why: every table with a column of the domain is read and locked against writes (PostgreSQL docs, ALTER DOMAIN)
-- runs: psql
-- schema: CREATE DOMAIN slug AS text; CREATE TABLE articles (id serial PRIMARY KEY, slug slug);
-- data: INSERT INTO articles (slug) SELECT 'a' || g FROM generate_series(1, 15000) g;
-- observe: scans public.articles
-- observe: lock public.articles ShareLock
ALTER DOMAIN slug ADD CONSTRAINT slug_not_empty CHECK (VALUE <> '');

-- label: data
-- hazard: H40
-- why: one value outside fails it (PostgreSQL docs, ALTER DOMAIN)
-- runs: psql
-- schema: CREATE DOMAIN slug AS text; CREATE TABLE articles (id serial PRIMARY KEY, slug slug);
-- data: INSERT INTO articles (slug) VALUES ('a');
-- other data: INSERT INTO articles (slug) VALUES ('');
-- observe other: fails 23514
ALTER DOMAIN slug ADD CONSTRAINT slug_not_empty CHECK (VALUE <> '');

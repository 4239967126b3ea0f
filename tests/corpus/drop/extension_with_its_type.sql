-- label: dangerous
-- hazard: H05
-- why: the columns of the extension's type go with it (PostgreSQL docs, DROP EXTENSION)
-- runs: psql
-- schema: CREATE EXTENSION hstore; CREATE TABLE products (id serial PRIMARY KEY, attributes hstore);
-- data: INSERT INTO products (attributes) VALUES ('a=>1');
-- observe: loses public.products.attributes
DROP EXTENSION hstore CASCADE;

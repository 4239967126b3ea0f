-- label: safe
-- notes: H62
-- why: the index repeats the primary key, and nobody waits (PostgreSQL docs, DROP INDEX, CONCURRENTLY)
-- runs: psql
-- schema: CREATE INDEX orders_id_again ON orders (id);
DROP INDEX CONCURRENTLY orders_id_again;

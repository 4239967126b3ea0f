-- label: safe
-- why: the build lets everybody write, the constraint is an instant (PostgreSQL docs, ALTER TABLE, Examples)
-- runs: psql
CREATE UNIQUE INDEX CONCURRENTLY orders_reference_idx ON orders (reference);
ALTER TABLE orders ADD CONSTRAINT orders_reference_key UNIQUE USING INDEX orders_reference_idx;

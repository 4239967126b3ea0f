-- label: dangerous
-- hazard: H33
-- why: only a unique index can become the constraint (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- schema: CREATE INDEX orders_reference_idx ON orders (reference);
-- observe: fails 42809
ALTER TABLE orders ADD CONSTRAINT orders_reference_key UNIQUE USING INDEX orders_reference_idx;

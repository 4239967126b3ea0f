-- label: data
-- hazard: H61
-- why: the build lets everybody write; a value that is there twice leaves an invalid index (PostgreSQL docs, CREATE INDEX)
-- runs: psql
-- other data: UPDATE orders SET reference = 'R-1' WHERE id = 2;
-- observe other: fails 23505
-- observe other: leaves invalid public.orders_reference_idx
CREATE UNIQUE INDEX CONCURRENTLY orders_reference_idx ON orders (reference);
ALTER TABLE orders ADD CONSTRAINT orders_reference_key UNIQUE USING INDEX orders_reference_idx;

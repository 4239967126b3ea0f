-- label: safe
-- why: the index exists and becomes the constraint, nothing is read (PostgreSQL docs, ALTER TABLE, ADD table_constraint_using_index)
-- runs: drizzle
-- schema: CREATE UNIQUE INDEX orders_reference_idx ON orders (reference);
-- observe: lock public.orders AccessExclusiveLock
ALTER TABLE "orders" ADD CONSTRAINT "orders_reference_key" UNIQUE USING INDEX "orders_reference_idx";

-- label: dangerous
-- hazard: H60
-- why: writers wait until the index is built (PostgreSQL docs, CREATE INDEX, Building Indexes Concurrently)
-- runs: drizzle
-- observe: scans public.orders
-- observe: lock public.orders ShareLock
CREATE INDEX "orders_placed_at_index" ON "orders" USING btree ("placed_at");

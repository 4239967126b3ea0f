-- label: dangerous
-- hazard: H63
-- why: all pending files are one transaction, in which CONCURRENTLY is refused (PostgreSQL docs, CREATE INDEX)
-- runs: drizzle
-- observe: fails 25001
CREATE INDEX CONCURRENTLY "orders_placed_at_index" ON "orders" USING btree ("placed_at");

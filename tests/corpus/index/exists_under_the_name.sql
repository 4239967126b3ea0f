-- label: safe
-- notes: H103
-- why: the index is there and valid, so nothing is built (PostgreSQL docs, CREATE INDEX, IF NOT EXISTS)
-- runs: drizzle
CREATE INDEX IF NOT EXISTS "orders_user_id_idx" ON "orders" USING btree ("user_id");

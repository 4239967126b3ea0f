-- label: safe
-- notes: H62
-- why: another index leads with the same column; the lock lasts an instant (PostgreSQL docs, DROP INDEX)
-- runs: drizzle
-- schema: CREATE INDEX orders_user_id_again ON orders (user_id, placed_at);
-- observe: works SELECT count(*) FROM orders WHERE user_id = 77
DROP INDEX "orders_user_id_again";

-- label: dangerous
-- hazard: H81 H60
-- why: the column of the first file keeps users locked while the second file's index is built (drizzle-orm, pg-core/dialect, migrate)
-- runs: drizzle
-- observe: keeps locks
-- observe: scans public.orders
-- file: 0020_users_flag.sql
ALTER TABLE "users" ADD COLUMN "flag" boolean;
-- file: 0021_orders_index.sql
CREATE INDEX "orders_total_index" ON "orders" USING btree ("total");

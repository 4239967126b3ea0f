-- label: safe
-- why: a valid CHECK proves that there is no NULL, so nothing is read since 12 (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: drizzle
-- schema: ALTER TABLE orders ADD CONSTRAINT orders_total_present CHECK (total IS NOT NULL); ALTER TABLE orders ALTER COLUMN total DROP NOT NULL;
ALTER TABLE "orders" ALTER COLUMN "total" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" DROP CONSTRAINT "orders_total_present";

-- label: safe
-- why: the constraint came with an earlier deploy, only the validation is pending (PostgreSQL docs, ALTER TABLE, VALIDATE CONSTRAINT)
-- runs: drizzle
-- schema: ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID;
-- observe: scans public.orders
ALTER TABLE "orders" VALIDATE CONSTRAINT "orders_total_check";

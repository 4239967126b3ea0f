-- label: dangerous
-- hazard: H50
-- why: another scale stores every value anew (PostgreSQL docs, Numeric Types)
-- runs: drizzle
-- observe: rewrites public.orders
ALTER TABLE "orders" ALTER COLUMN "total" SET DATA TYPE numeric(12, 4);

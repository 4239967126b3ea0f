-- label: safe
-- notes: H51
-- why: a higher precision with the same scale holds for every value (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
ALTER TABLE "orders" ALTER COLUMN "total" SET DATA TYPE numeric(14, 2);

-- label: dangerous
-- hazard: H52
-- why: totals beyond the new limit are there (PostgreSQL docs, Numeric Types)
-- runs: drizzle
-- observe: fails 22003
ALTER TABLE "orders" ALTER COLUMN "total" SET DATA TYPE numeric(4, 2);

-- label: dangerous
-- hazard: H50
-- why: an enum is stored as a number, text is not, so the table is rewritten (PostgreSQL docs, Enumerated Types)
-- runs: drizzle
-- observe: rewrites public.orders
ALTER TABLE "orders" ALTER COLUMN "status" SET DATA TYPE text;

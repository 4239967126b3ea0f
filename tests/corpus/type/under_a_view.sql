-- label: dangerous
-- hazard: H50 H05
-- why: a column that a view uses cannot change its type, even where nothing would be rewritten (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- schema: CREATE VIEW references_of_orders AS SELECT id, reference FROM orders;
-- observe: fails 0A000
ALTER TABLE "orders" ALTER COLUMN "reference" SET DATA TYPE text;

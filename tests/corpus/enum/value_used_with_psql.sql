-- label: safe
-- notes: H71
-- why: each statement commits, so the value can be used by the next (PostgreSQL docs, ALTER TYPE, Notes)
-- runs: psql
ALTER TYPE order_status ADD VALUE 'returned';
ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'returned';
UPDATE orders SET status = 'returned' WHERE id = 1;

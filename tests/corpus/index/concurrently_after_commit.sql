-- label: safe
-- why: the transaction has ended before the index begins (PostgreSQL docs, CREATE INDEX)
-- runs: psql
BEGIN;
ALTER TABLE orders ADD COLUMN channel text;
COMMIT;
CREATE INDEX CONCURRENTLY orders_channel_idx ON orders (channel);

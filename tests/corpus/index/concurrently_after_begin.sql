-- label: dangerous
-- hazard: H63
-- why: the script opens a transaction itself (PostgreSQL docs, CREATE INDEX)
-- runs: psql
-- observe: fails 25001
BEGIN;
CREATE INDEX CONCURRENTLY orders_placed_at_idx ON orders (placed_at);
COMMIT;

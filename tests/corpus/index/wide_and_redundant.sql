-- label: safe
-- notes: H66
-- why: four columns and a prefix of another index cost space, no lock (PostgreSQL docs, Multicolumn Indexes)
-- runs: psql
CREATE INDEX CONCURRENTLY orders_wide ON orders (user_id, status, placed_at, total);

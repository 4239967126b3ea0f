-- label: safe
-- why: writers go on while the index is built (PostgreSQL docs, CREATE INDEX, Building Indexes Concurrently)
-- runs: psql
CREATE INDEX CONCURRENTLY orders_placed_at_idx ON orders (placed_at);

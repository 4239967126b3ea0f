-- label: dangerous
-- hazard: H38 H95
-- why: lookups by id have no index any more and ON CONFLICT (id) fails (PostgreSQL docs, Primary Keys)
-- runs: psql
-- observe: slows SELECT total FROM orders WHERE id = 17
-- observe: breaks INSERT INTO orders (id, user_id, total, reference) VALUES (1, 1, 1, 'x') ON CONFLICT (id) DO NOTHING
ALTER TABLE orders DROP CONSTRAINT orders_pkey;

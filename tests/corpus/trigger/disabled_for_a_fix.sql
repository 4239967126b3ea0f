-- label: dangerous
-- hazard: H92
-- why: DISABLE TRIGGER ALL suspends foreign keys too, so an order of nobody gets in (PostgreSQL docs, ALTER TABLE, DISABLE TRIGGER)
-- runs: psql
-- observe: opens INSERT INTO orders (user_id, total, reference) VALUES (999999, 1, 'x')
ALTER TABLE orders DISABLE TRIGGER ALL;

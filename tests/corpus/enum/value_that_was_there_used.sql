-- label: safe
-- why: IF NOT EXISTS adds nothing, so the value may be used at once
-- runs: drizzle
ALTER TYPE order_status ADD VALUE IF NOT EXISTS 'paid';
INSERT INTO orders (user_id, status, total, reference) VALUES (1, 'paid', 5, 'R-new');

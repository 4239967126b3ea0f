-- label: safe
-- why: the slow part runs first, the lock is taken last (PostgreSQL docs, Explicit Locking)
-- runs: psql
BEGIN;
CREATE TEMPORARY TABLE totals AS SELECT user_id, sum(total) AS total FROM orders GROUP BY user_id;
ALTER TABLE invites ADD COLUMN spent numeric;
COMMIT;

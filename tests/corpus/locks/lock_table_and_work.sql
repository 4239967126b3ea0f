-- label: dangerous
-- hazard: H85 H81
-- why: users can be neither read nor written while the orders are updated (PostgreSQL docs, LOCK)
-- runs: psql
-- observe: keeps locks
-- observe: lock public.users AccessExclusiveLock
BEGIN;
LOCK TABLE users IN ACCESS EXCLUSIVE MODE;
UPDATE orders SET note = 'moved' WHERE id <= 15000;
COMMIT;

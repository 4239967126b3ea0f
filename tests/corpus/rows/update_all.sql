-- label: dangerous
-- hazard: H06
-- why: each row stays locked until all are done (PostgreSQL docs, Explicit Locking, Row-Level Locks)
-- runs: drizzle
-- observe: writes public.users
-- observe: lock public.users RowExclusiveLock
UPDATE "users" SET "country" = 'DE';

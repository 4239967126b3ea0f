-- label: safe
-- why: reading users takes only the lock of a SELECT, and what is written is new (PostgreSQL docs, Explicit Locking)
-- runs: psql
-- observe: scans public.users
CREATE TABLE user_phones (user_id integer PRIMARY KEY, phone text NOT NULL);
INSERT INTO user_phones SELECT id, phone FROM users WHERE phone IS NOT NULL;

-- label: safe
-- why: a new column of NULLs refers to nothing, so no row is looked at (PostgreSQL docs, ALTER TABLE, ADD COLUMN)
-- runs: psql
-- observe: lock public.users ShareRowExclusiveLock
ALTER TABLE invites ADD COLUMN user_id integer REFERENCES users (id);

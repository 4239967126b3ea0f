-- label: dangerous
-- hazard: H85
-- why: the table is written anew, and a crash empties it from now on (PostgreSQL docs, ALTER TABLE, SET UNLOGGED)
-- runs: psql
-- observe: rewrites public.sessions
ALTER TABLE sessions SET UNLOGGED;

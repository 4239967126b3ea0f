-- label: dangerous
-- hazard: H34 H30
-- why: the index is there, but the column is not NOT NULL yet, so all rows are read (PostgreSQL docs, ALTER TABLE)
-- runs: psql
-- schema: CREATE UNIQUE INDEX sessions_token_idx ON sessions (token);
-- observe: scans public.sessions
-- observe: lock public.sessions AccessExclusiveLock
ALTER TABLE sessions ADD CONSTRAINT sessions_pkey PRIMARY KEY USING INDEX sessions_token_idx;

-- label: safe
-- why: unique index and NOT NULL are there already (PostgreSQL docs, ALTER TABLE, ADD table_constraint_using_index)
-- runs: psql
-- schema: CREATE UNIQUE INDEX sessions_token_idx ON sessions (token); ALTER TABLE sessions ALTER token SET NOT NULL;
ALTER TABLE sessions ADD CONSTRAINT sessions_pkey PRIMARY KEY USING INDEX sessions_token_idx;

-- label: safe
-- why: 18 takes NOT NULL as a constraint that can be validated later (PostgreSQL 18 docs, ALTER TABLE, ADD table_constraint)
-- runs: psql
-- postgres: >=18
-- observe: lock public.sessions ShareUpdateExclusiveLock
ALTER TABLE sessions ADD CONSTRAINT sessions_token_not_null NOT NULL token NOT VALID;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_token_not_null;

-- label: dangerous
-- hazard: H23
-- why: an identity column numbers the rows that are there (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- observe: rewrites public.sessions
ALTER TABLE sessions ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;

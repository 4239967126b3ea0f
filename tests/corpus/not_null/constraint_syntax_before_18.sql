-- label: dangerous
-- hazard: H30
-- why: ADD CONSTRAINT … NOT NULL is a syntax error before 18 (PostgreSQL 15 docs, ALTER TABLE)
-- runs: psql
-- postgres: <18
-- observe: fails 42601
ALTER TABLE sessions ADD CONSTRAINT sessions_token_not_null NOT NULL token NOT VALID;

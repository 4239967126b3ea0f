-- label: dangerous
-- hazard: H31
-- why: users under thirty are there (PostgreSQL docs, Check Constraints)
-- runs: psql
-- observe: fails 23514
ALTER TABLE users ADD CONSTRAINT users_adult CHECK (age >= 30);

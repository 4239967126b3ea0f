-- label: dangerous
-- hazard: H33
-- why: many users share an age (PostgreSQL docs, Unique Constraints)
-- runs: psql
-- observe: fails 23505
ALTER TABLE users ADD CONSTRAINT users_age_key UNIQUE (age);

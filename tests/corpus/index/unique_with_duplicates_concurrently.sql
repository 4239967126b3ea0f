-- label: dangerous
-- hazard: H61 H64
-- why: it fails at the first duplicate and leaves an invalid index behind (PostgreSQL docs, CREATE INDEX)
-- runs: psql
-- observe: fails 23505
-- observe: leaves invalid public.users_age_idx
CREATE UNIQUE INDEX CONCURRENTLY users_age_idx ON users (age);

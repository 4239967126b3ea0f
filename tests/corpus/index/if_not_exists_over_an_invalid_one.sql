-- label: dangerous
-- hazard: H64
-- why: the invalid index of a failed run has the name, so nothing is built and duplicates go on (PostgreSQL docs, CREATE INDEX)
-- runs: psql
-- data: UPDATE invites SET code = 'SAME' WHERE id < 3;
-- data: CREATE UNIQUE INDEX CONCURRENTLY invites_role_idx ON invites (id);
-- data: UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invites_role_idx'::regclass;
-- observe: leaves invalid public.invites_role_idx
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS invites_role_idx ON invites (id);

-- label: data
-- hazard: H61
-- why: only the rows of the predicate count: one open invite per host (PostgreSQL docs, Partial Indexes)
-- runs: psql
-- data: UPDATE invites SET invited_by = 1, accepted_at = now() WHERE id > 1;
-- other data: UPDATE invites SET invited_by = 1;
-- observe other: fails 23505
CREATE UNIQUE INDEX invites_one_open ON invites (invited_by) WHERE accepted_at IS NULL;

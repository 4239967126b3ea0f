-- label: data
-- hazard: H65
-- why: forty rows are sorted in an instant, many are not (PostgreSQL docs, REINDEX)
-- runs: psql
-- other data: INSERT INTO invites (email, invited_by) SELECT 'more' || g || '@example.com', g FROM generate_series(1, 15000) g;
-- observe other: scans public.invites
REINDEX TABLE invites;

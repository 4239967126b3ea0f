-- label: safe
-- why: forty rows are sorted in an instant (PostgreSQL docs, REINDEX)
-- runs: psql
REINDEX TABLE invites;

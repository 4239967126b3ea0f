-- label: safe
-- why: the indexes are built beside the old ones while everybody writes (PostgreSQL docs, REINDEX, CONCURRENTLY)
-- runs: psql
REINDEX TABLE CONCURRENTLY orders;

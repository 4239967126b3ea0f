-- label: safe
-- why: a plain vacuum lets everybody read and write (PostgreSQL docs, VACUUM)
-- runs: psql
VACUUM ANALYZE orders;

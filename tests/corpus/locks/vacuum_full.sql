-- label: dangerous
-- hazard: H85
-- why: the table is written anew under ACCESS EXCLUSIVE (PostgreSQL docs, VACUUM)
-- runs: psql
-- observe: rewrites public.sessions
VACUUM FULL sessions;

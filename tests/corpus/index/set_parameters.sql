-- label: safe
-- why: new pages are filled otherwise from now on (PostgreSQL docs, ALTER INDEX)
-- runs: psql
ALTER INDEX orders_user_id_idx SET (fillfactor = 70);

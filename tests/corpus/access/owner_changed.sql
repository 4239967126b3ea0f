-- label: safe
-- notes: H94
-- why: the new owner may do more, everybody else what they could (PostgreSQL docs, ALTER TABLE, OWNER TO)
-- runs: psql
ALTER TABLE empty_table OWNER TO app_user;
